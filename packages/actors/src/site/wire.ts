import type { MessagePort } from 'node:worker_threads'
import type { ErrorRecord } from '@kaitian/errors'
import type { DownReason } from '../api/context.js'
import type { Accounts, DeadLetterReason } from '../api/events.js'

/**
 * Everything that crosses from one thread to another. Types only: who sends what, and when,
 * is told in link.ts (messages) and tree.ts (the threads' family tree).
 *
 * A post is an array of frames, the frames that one turn of the event loop produced.
 */
export type Frame = MessageFrame | TreeFrame

/** A thread of the system: `0` is the system's own, `0.2` the second one it started. */
export type SiteId = string

export const rootSite: SiteId = '0'

/** Where an actor lives. Stable over restarts. */
export interface Address {
  site: SiteId
  id: number
  path: string
  capacity: number
  asks: string[]
  tells: string[]
}

/** The id of the actor that a thread was started for. */
export const firstActorId = 1

/** Over the direct port between any two threads. */
export type MessageFrame =
  | { t: 'ask'; id: number; to: number; name: string; body: Body }
  | { t: 'tell'; id: number; to: number; name: string; body: Body }
  /** The asker gave up. */
  | { t: 'cancel'; id: number }
  /** Answers an ask, and says that it was handled. */
  | { t: 'reply'; id: number; body: Body }
  | { t: 'refused'; id: number; error: ErrorRecord }
  /** These tells were handled. */
  | { t: 'handled'; ids: number[] }
  | { t: 'dead'; id: number; reason: DeadLetterReason; error?: ErrorRecord }
  | { t: 'watch'; to: number }
  | { t: 'down'; to: number; end: EndRecord }

/** A payload. `refs`: the value holds addresses where the sender had refs. */
export interface Body {
  value: unknown
  refs: boolean
}

export interface EndRecord {
  reason: DownReason
  error?: ErrorRecord
}

/** Between a thread and the one that started it. */
export type TreeFrame =
  | { t: 'started'; error?: ErrorRecord }
  /** The actor the thread was started for is gone; the thread follows. */
  | { t: 'ended'; end: EndRecord; accounts?: Accounts }
  | { t: 'event'; event: EventRecord }
  /** To every thread: this one and those below it are gone. */
  | { t: 'gone'; site: SiteId; notice: GoneNotice }
  /** To every thread: this one was restarted and can be connected to again. */
  | { t: 'back'; site: SiteId }
  | { t: 'count'; id: number }
  | { t: 'counted'; id: number; accounts: Accounts }
  | RoutedFrame

/** Handed on along the tree until it reaches `to`. */
export type RoutedFrame =
  /** To the parent of `site`: please introduce `from` to it. */
  | { t: 'connect'; to: SiteId; site: SiteId; from: SiteId }
  /** Here is a port to `site`. */
  | { t: 'introduced'; to: SiteId; site: SiteId; port: MessagePort }
  /** The answer to `connect` when there is nobody to introduce. */
  | { t: 'absent'; to: SiteId; site: SiteId; notice: GoneNotice }
  | { t: 'command'; to: SiteId; site: SiteId; id: number; command: Command }

export type Command = 'stop' | 'kill' | 'crash'

export interface GoneNotice {
  end: EndRecord
  /** It will be back. */
  restarting: boolean
  /** Do not wait for what its ports may still deliver. */
  abrupt: boolean
}

/** A system event on its way to the system's thread. */
export interface EventRecord {
  name: 'spawned' | 'failed' | 'restarted' | 'stopped' | 'dead-letter'
  data: Record<string, unknown>
  error?: ErrorRecord
}

/** What a new thread is told. */
export interface ThreadData {
  site: SiteId
  /** Of its parent, which is the other end of `port`. */
  parent: SiteId
  port: MessagePort
  /** Ids from here on were not used by an earlier incarnation. */
  firstChildId: number
  incarnation: number
  path: string
  module: string
  className: string
  args: Body
  capacity: number
  /** A restart is declared: what waits when it fails is told so. */
  restarts: boolean
  randomKey: readonly (string | number)[]
}
