import type { Flow, Ask, MessageKind, Protocol, Tell } from '../api/protocol.js'
import type { Schema } from '../schema.js'

/** A protocol as the runtime uses it: messages by number, since a number is cheap to send. */
export interface MessageTable {
  readonly names: readonly string[]
  readonly kinds: readonly MessageKind[]
  /** Known only where the class is. */
  readonly payloads: readonly (Schema | undefined)[]
  readonly replies: readonly (Schema | undefined)[]
}

type Declaration = Ask<unknown, unknown> | Tell<unknown> | Flow<unknown, unknown>

const tables = new WeakMap<Protocol, MessageTable>()

/** One table for each protocol. */
export function tableOf(protocol: Protocol): MessageTable {
  let table = tables.get(protocol)
  if (table === undefined) {
    const messages = Object.values<Declaration>(protocol)
    table = {
      names: Object.keys(protocol),
      kinds: messages.map(({ kind }) => kind),
      payloads: messages.map(({ payload }) => payload),
      replies: messages.map((message) => (message.kind === 'tell' ? undefined : message.reply)),
    }
    tables.set(protocol, table)
  }
  return table
}

/** For an actor in another thread: what its address says. */
export function tableFrom(messages: readonly (readonly [string, MessageKind])[]): MessageTable {
  return {
    names: messages.map(([name]) => name),
    kinds: messages.map(([, kind]) => kind),
    payloads: [],
    replies: [],
  }
}
