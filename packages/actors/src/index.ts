export { systemClock, virtualClock, type Clock, type VirtualClock } from './clock.js'
export { seededRandom, type Random } from './random.js'
export {
  ask,
  protocol,
  tell,
  type ActorClass,
  type Ask,
  type Handlers,
  type Lifecycle,
  type MessageHandlers,
  type Protocol,
  type Tell,
} from './api/protocol.js'
export type { ActorRef, AskMethods, AskOptions, Ref, TellMethods, TellOutcome } from './api/ref.js'
export type {
  Context,
  Disposable,
  Down,
  DownReason,
  KillOptions,
  MailboxOptions,
  Placement,
  RestartOptions,
  Spawner,
  SpawnOptions,
  StopOptions,
} from './api/context.js'
export type { Accounts, DeadLetter, DeadLetterReason, SystemEvents } from './api/events.js'
export { createSystem, type System, type SystemOptions } from './system.js'
export { openPool, type Pool, type PoolOptions } from './pool/pool.js'
export {
  openFacade,
  type Facade,
  type FacadeEvents,
  type FacadeOptions,
  type RemoteMethods,
} from './facade/facade.js'
export { serveFacade, type Emit } from './facade/facade-server.js'
