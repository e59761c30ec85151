import { ask, protocol, tell, type Ref } from '@kaitian/actors'
import type { DeviceProtocol } from '../device/protocol.js'

export const LoopProtocol = protocol({
  /** Brings devices, leaders and bridges up. */
  open: ask<void, void>(),
  /** Starts the loop; its end comes as the event `end`. */
  begin: tell<void>(),
  /** Gives the step under way up, and ends. */
  halt: tell<void>(),
  /** The devices' own addresses, so that nothing has to pass through the loop. */
  devices: ask<void, Readonly<Record<string, Ref<typeof DeviceProtocol>>>>(),
})
