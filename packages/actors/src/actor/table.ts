import {
  nothing,
  type Ask,
  type Flow,
  type MessageKind,
  type Protocol,
  type Tell,
} from '../api/protocol.js'
import { isSchema, type Schema } from '../schema.js'

/** A protocol as the runtime uses it: messages by number, since a number is cheap to send. */
export interface MessageTable {
  readonly names: readonly string[]
  readonly kinds: readonly MessageKind[]
  /** They have no payload: whoever sends them gives options first. */
  readonly bare: readonly boolean[]
  /** Known only where the class is. */
  readonly payloads: readonly (Schema | undefined)[]
  readonly replies: readonly (Schema | undefined)[]
}

type Declaration = Ask<unknown, unknown> | Tell<unknown> | Flow<unknown, unknown>

const tables = new WeakMap<Protocol, MessageTable>()

/** A message of a table that goes to another thread. */
export type Message = [name: string, kind: MessageKind, bare?: true]

export function messagesOf({ names, kinds, bare }: MessageTable): Message[] {
  return names.map((name, index) =>
    bare[index] ? [name, kinds[index], true] : [name, kinds[index]],
  )
}

/** One table for each protocol. */
export function tableOf(protocol: Protocol): MessageTable {
  let table = tables.get(protocol)
  if (table === undefined) {
    const messages = Object.values<Declaration>(protocol)
    table = {
      names: Object.keys(protocol),
      kinds: messages.map(({ kind }) => kind),
      bare: messages.map(({ payload }) => payload === nothing),
      payloads: messages.map(({ payload }) => (isSchema(payload) ? payload : undefined)),
      replies: messages.map((message) => (message.kind === 'tell' ? undefined : message.reply)),
    }
    tables.set(protocol, table)
  }
  return table
}

/** For an actor in another thread: what its address says. */
export function tableFrom(messages: readonly Message[]): MessageTable {
  return {
    names: messages.map(([name]) => name),
    kinds: messages.map(([, kind]) => kind),
    bare: messages.map(([, , bare]) => bare === true),
    payloads: [],
    replies: [],
  }
}
