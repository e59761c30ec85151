import { ask, protocol, tell, type Ref } from '@kaitian/actors'
import type { DeviceProtocol } from '../device/protocol.js'
import type { Tally } from './tally.js'
import type { Plan, Vote } from '../step/plan.js'
import type { DeviceFault } from '../step/transition.js'

/** A group's collectives failed. */
export interface Failure {
  readonly generation: number
  readonly cause: string
  /** Devices that did not do their part in time. */
  readonly suspects: readonly string[]
}

/** A device is gone for good. */
export interface Loss {
  readonly device: string
  readonly cause: string
  readonly fault?: DeviceFault
}

export const TrainerProtocol = protocol({
  /** Brings devices, leaders and bridges up. */
  open: ask<void, void>(),
  /** Starts the loop; its end comes through the trainer's `emit`, as the event `end`. */
  begin: tell<void>(),
  vote: tell<Vote>(),
  failed: tell<Failure>(),
  /** Told to itself: what was reported, once the devices concerned have had their say. */
  judge: tell<Failure>(),
  /** Told by the device itself, if it can, and again when its end is noticed. */
  down: tell<Loss>(),
  /** Told to itself: a plan and its data are there. */
  planned: tell<Plan>(),
  /** Told to itself: the test set is done; undefined when it could not be. */
  evaluated: tell<{ tally: Tally | undefined; wanted: boolean }>(),
  /** Told to itself: planning or evaluation failed for good. */
  broken: tell<{ error: unknown; generation: number }>(),
  /** Told to itself: a deadline may have passed. */
  tick: tell<void>(),
  halt: tell<void>(),
  /** The devices' own addresses, so that nothing has to pass through the trainer. */
  devices: ask<void, Readonly<Record<string, Ref<typeof DeviceProtocol>>>>(),
})
