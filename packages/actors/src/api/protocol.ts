import { KaitianError } from '@kaitian/errors'
import type { Context } from './context.js'

declare const types: unique symbol

/** A message that is answered. `Payload` in, `Reply` out. */
export interface Ask<Payload, Reply> {
  readonly kind: 'ask'
  readonly [types]?: (payload: Payload) => Reply
}

/** A message that is not answered. */
export interface Tell<Payload> {
  readonly kind: 'tell'
  readonly [types]?: (payload: Payload) => void
}

/** What an actor understands: message names, each an ask or a tell. */
// oxlint-disable-next-line typescript/no-explicit-any -- `any` is the only bound all payloads fit
export type Protocol = Readonly<Record<string, Ask<any, any> | Tell<any>>>

/** Declares an answered message. `ask<void, Reply>()` takes no payload. */
export function ask<Payload = void, Reply = void>(): Ask<Payload, Reply> {
  return { kind: 'ask' }
}

/** Declares a message without an answer. */
export function tell<Payload = void>(): Tell<Payload> {
  return { kind: 'tell' }
}

/** Names that a class has for other reasons, or that a promise or object would trip over. */
const reservedNames = ['start', 'stop', 'constructor', 'then', 'prototype', '__proto__']

/** Declares a protocol; refuses the names `start`, `stop` and those of plain objects. */
export function protocol<P extends Protocol>(messages: P): P {
  for (const name of Object.keys(messages)) {
    if (!reservedNames.includes(name)) continue
    throw new KaitianError('BAD_ARGUMENT', `A message cannot be called "${name}"; rename it`, {
      fields: { name },
    })
  }
  return Object.freeze(messages)
}

/** What a handler may return: the reply, or a promise of it. */
type Answer<Reply> = Reply | Promise<Reply>

/** One method per message of the protocol. */
export type MessageHandlers<P extends Protocol> = {
  [Name in keyof P]: P[Name] extends Ask<infer Payload, infer Reply>
    ? (payload: Payload, ctx: Context<P>) => Answer<Reply>
    : P[Name] extends Tell<infer Payload>
      ? (payload: Payload, ctx: Context<P>) => Answer<void>
      : never
}

/** Optional methods at both ends of an incarnation. */
export interface Lifecycle<P extends Protocol> {
  /** Runs before the first message; a throw fails the spawn (or the restart). */
  start?(ctx: Context<P>): void | Promise<void>
  /** Runs after the last message and after the children stopped. */
  stop?(ctx: Context<P>): void | Promise<void>
}

/** What an actor class implements. */
export type Handlers<P extends Protocol> = MessageHandlers<P> & Lifecycle<P>

/** An actor class: its protocol is a static member, its constructor takes one cloneable value. */
export interface ActorClass<P extends Protocol, Args> {
  readonly name: string
  readonly protocol: P
  new (args: Args): Handlers<P>
}
