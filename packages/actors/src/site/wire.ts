import type { ErrorRecord } from '@kaitian/errors'
import type { DownReason, MailboxOptions, Overflow } from '../api/context.js'
import type { Accounts } from '../api/events.js'
import type { Message } from '../actor/table.js'
import type { Sighting } from './sighting.js'

/**
 * Everything that crosses from one thread or process to another. Types only: who sends what, and
 * when, is told in link.ts (messages) and tree.ts (the sites' family tree).
 *
 * A post is one flat array, the frames that one turn of the event loop produced, one after the
 * other: to clone objects with named fields would cost three times as much. A frame begins with its
 * opcode, to which flags may be added.
 */
export type Post = unknown[]

/** What follows the opcode. `[…]`: only with the flag. */
export const Op = {
  /** to, index, payload, [trace] */
  tell: 1,
  /** id, to, index, payload, [trace] */
  ask: 2,
  /** id, to, index, payload, credit, [trace] */
  flow: 3,
  /** id, value: answers an ask, or ends a flow, and says that it was handled */
  reply: 4,
  /** id, ErrorRecord: handled, by throwing */
  refused: 5,
  /** to, index, count: so many tells were handled */
  handled: 6,
  /** id, DeadLetterReason, ErrorRecord | undefined */
  dead: 7,
  /** to, index, DeadLetterReason: a tell */
  deadTell: 8,
  /** id: the asker gave up */
  cancel: 9,
  /** id, value: of a flow */
  item: 10,
  /** id, count: so many items were consumed */
  credit: 11,
  /** to */
  watch: 12,
  /** to, EndRecord */
  down: 13,
  /** TreeFrame */
  tree: 14,
  /** to: as if there had been no watch */
  unwatch: 15,
  /** id: it has left the mailbox, and its outcome is still to come */
  arrived: 16,
  /** id, to: answered like an ask when there is room, but no message */
  room: 17,
} as const

export const opcode = 31
/** The payload or value holds addresses where the sender had refs. */
export const withRefs = 32
export const withTrace = 64

/** A thread or process of the system: `0` is the system's own, `0.2` a thread that it started, `0.p3` a process. */
export type SiteId = string

export const rootSite: SiteId = '0'

/** Sites in one process talk over message ports, others over sockets. */
export function processOf(site: SiteId): string {
  const parts = site.split('.')
  return parts.slice(0, parts.findLastIndex((part) => part.startsWith('p')) + 1).join('.')
}

/** It is a process of its own, and not one of its threads. */
export function isProcess(site: SiteId): boolean {
  return site.startsWith('p', site.lastIndexOf('.') + 1)
}

/** The site that started this one. */
export function parentOf(site: SiteId): SiteId {
  return site.slice(0, site.lastIndexOf('.'))
}

/** Where an actor lives. Stable over restarts. */
export interface Address {
  site: SiteId
  id: number
  path: string
  capacity: number
  overflow: Overflow
  /** By their numbers. */
  messages: Message[]
}

/** The id of the actor that a site was started for. */
export const firstActorId = 1

/** A value, with addresses in place of refs. */
export interface Parcel {
  value: unknown
  refs: boolean
}

export interface EndRecord {
  reason: DownReason
  error?: ErrorRecord
}

/** Between a site and the one that started it. */
export type TreeFrame =
  | { t: 'started'; error?: ErrorRecord }
  /** The actor the site was started for fails, or does not start: from now on its end has limits. */
  | { t: 'failing'; error: ErrorRecord }
  /** The actor the site was started for is gone; the site follows. */
  | { t: 'ended'; end: EndRecord; accounts: Accounts }
  | { t: 'event'; event: EventRecord }
  /** To every site: this one and those below it are gone. */
  | { t: 'gone'; site: SiteId; notice: GoneNotice }
  /** To every site: this one was restarted and can be connected to again. */
  | { t: 'back'; site: SiteId }
  | { t: 'query'; id: number; what: keyof Answers }
  /** `undefined`: it is too large to be told. */
  | { t: 'answer'; id: number; value: Answers[keyof Answers] | undefined }
  | RoutedFrame

/** What a site can be asked about itself and those below it. */
export interface Answers {
  accounts: Accounts
  snapshot: Partial<Sighting>
}

/** Handed on along the tree until it reaches `to`. */
export type RoutedFrame =
  /** To the parent of `site`: please introduce `from` to it. */
  | { t: 'connect'; to: SiteId; site: SiteId; from: SiteId }
  /** Here is a way to `site`. */
  | { t: 'introduced'; to: SiteId; site: SiteId; way: Way }
  /** The answer to `connect` when there is nobody to introduce. */
  | { t: 'absent'; to: SiteId; site: SiteId; notice: GoneNotice }
  /** `site` is there, but cannot be called. */
  | { t: 'unreachable'; to: SiteId; site: SiteId; error: ErrorRecord }
  | ({ t: 'command'; to: SiteId; site: SiteId; id: number } & Order)

/** A port; or, between processes: wait for a caller and tell it how to call; or call. */
export type Way = { port: unknown } | { listen: true } | { ticket: { path: string; key: string } }

export type Order =
  /** `again`: another incarnation follows. */
  | { command: 'stop'; drain: boolean; again: boolean; timeoutMs: number | undefined }
  | { command: 'kill' | 'crash' }

export interface GoneNotice {
  end: EndRecord
  /** It will be back; or it is being terminated, and how that ended is still to come. */
  next: 'nothing' | 'restart' | 'exit'
  /** Do not wait for what its ports may still deliver. */
  abrupt: boolean
}

/** A system event on its way to the system's thread. */
export interface EventRecord {
  name: 'spawned' | 'failed' | 'restarted' | 'stopped' | 'escalated' | 'quarantined' | 'dead-letter'
  data: Record<string, unknown>
  error?: ErrorRecord
}

/** What a new site is told. */
export interface SiteData {
  site: SiteId
  parent: SiteId
  /** Ids from here on were not used by an earlier incarnation. */
  firstChildId: number
  incarnation: number
  path: string
  module: string
  className: string
  args: Parcel
  mailbox: MailboxOptions
  /** As the parent numbers them. */
  messages: Address['messages']
  /** A restart is declared: what waits when it fails is told so. */
  restarts: boolean
  randomKey: readonly (string | number)[]
  /** Absent where memory is not shared. */
  abortWord?: SharedArrayBuffer
}
