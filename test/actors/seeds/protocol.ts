import { ask, flow, protocol, tell, type ActorRef, type Ref } from '@kaitian/actors'
import type { Child, Deed } from './script.js'

/** An errand on its way. */
export interface Message {
  id: number
  deeds: Deed[]
  refs: ActorRef[]
  items: number
  itemMs: number
  /** The answer cannot be cloned. */
  junkAnswer: boolean
  junk?: unknown
}

export interface Answer {
  /** Of the question. */
  id: number
  /** Of the children that were spawned. */
  refs: ActorRef[]
  junk?: unknown
}

export const PlayerProtocol = protocol({
  note: tell<Message>(),
  query: ask<Message, Answer>(),
  stream: flow<Message, number>(),
})

export type PlayerRef = Ref<typeof PlayerProtocol>

/** What a player is constructed from. */
export interface Role {
  run: number
  path: string
  child: Child
  /** Of actors that it knows in each life, from its start. */
  refs: ActorRef[]
}
