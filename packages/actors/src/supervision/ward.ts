import type { KaitianError } from '@kaitian/errors'
import type { Clock } from '../clock.js'
import type { EventRecord } from '../site/wire.js'
import type { TimerWheel } from '../wheel.js'

/** What a child needs of the thread that it is supervised in. */
export interface Ward {
  readonly clock: Clock
  readonly wheel: TimerWheel
  /** Tells the world; an actor's life is told by the thread that started it, once. */
  announce(name: EventRecord['name'], data: Record<string, unknown>, error?: KaitianError): void
}
