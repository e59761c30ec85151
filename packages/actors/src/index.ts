export { systemClock, virtualClock, type Clock, type VirtualClock } from './clock.js'
export { seededRandom, type Random } from './random.js'
export {
  ask,
  flow,
  nothing,
  protocol,
  tell,
  type,
  type Actor,
  type ActorClass,
  type AnswerTo,
  type Ask,
  type Flow,
  type Handlers,
  type Lifecycle,
  type MessageHandlers,
  type MessageKind,
  type Nothing,
  type Protocol,
  type SpawnArgs,
  type Tell,
} from './api/protocol.js'
export type {
  ActorRef,
  AskMethods,
  AskOptions,
  FlowMethods,
  FlowOptions,
  Ref,
  SendOptions,
  TellMethods,
  TellOutcome,
  Trace,
} from './api/ref.js'
export type {
  Context,
  DeferredAnswer,
  Disposable,
  Down,
  DownReason,
  Group,
  GroupOptions,
  KillOptions,
  MailboxOptions,
  MessageInHand,
  Overflow,
  Placement,
  RestartOptions,
  Spawner,
  SpawnOptions,
  StopLimits,
  StopOptions,
  Strategy,
} from './api/context.js'
export type { Accounts, DeadLetter, DeadLetterReason, SystemEvents } from './api/events.js'
export type { ActorSnapshot, ActorState } from './api/snapshot.js'
export type { Schema } from './schema.js'
export { move } from './site/parcel.js'
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
