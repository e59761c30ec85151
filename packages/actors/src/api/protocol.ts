import { KaitianError } from '@kaitian/errors'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Schema } from '../schema.js'
import type { Context } from './context.js'

declare const types: unique symbol

/**
 * A message that is answered. The sender gives `Payload` and gets `Reply`; the handler gets
 * `Received` and gives `Answer`. They differ only where a schema transforms.
 */
export interface Ask<Payload, Reply, Received = Payload, Answer = Reply> {
  readonly kind: 'ask'
  readonly payload?: Schema | undefined
  readonly reply?: Schema | undefined
  readonly [types]?: [(payload: Payload) => Reply, (received: Received) => Answer]
}

/** A message that is not answered. */
export interface Tell<Payload, Received = Payload> {
  readonly kind: 'tell'
  readonly payload?: Schema | undefined
  readonly [types]?: [(payload: Payload) => void, (received: Received) => void]
}

/** A message that is answered by any number of items. */
export interface Flow<Payload, Item, Received = Payload, Given = Item> {
  readonly kind: 'flow'
  readonly payload?: Schema | undefined
  /** Of each item. */
  readonly reply?: Schema | undefined
  readonly [types]?: [(payload: Payload) => Item, (received: Received) => Given]
}

export type MessageKind = 'ask' | 'tell' | 'flow'

/** What an actor understands: message names, each an ask, a tell or a flow. */
export type Protocol = Readonly<
  // oxlint-disable-next-line typescript/no-explicit-any -- `any` is the only bound all payloads fit
  Record<string, Ask<any, any, any, any> | Tell<any, any> | Flow<any, any, any, any>>
>

/** A declaration by type alone, where another one is by schema: `ask(PayloadSchema, type<number>())`. */
export function type<T>(): Schema<T, T> | undefined {
  return undefined
}

type Declared = Schema | undefined
type In<S extends Declared> = StandardSchemaV1.InferInput<NonNullable<S>>
type Out<S extends Declared> = StandardSchemaV1.InferOutput<NonNullable<S>>

/**
 * Declares an answered message, by types (`ask<void, Reply>()` takes no payload) or by Standard
 * Schemas, which are then checked at run time: `ask(PayloadSchema, ReplySchema)`.
 */
export function ask<Payload = void, Reply = void>(): Ask<Payload, Reply>
export function ask<P extends Declared>(payload: P): Ask<In<P>, void, Out<P>, void>
export function ask<P extends Declared, R extends Declared>(
  payload: P,
  reply: R,
): Ask<In<P>, Out<R>, Out<P>, In<R>>
export function ask(payload?: Schema, reply?: Schema): Ask<unknown, unknown> {
  return { kind: 'ask', payload, reply }
}

/** Declares a message without an answer, by type or by schema. */
export function tell<Payload = void>(): Tell<Payload>
export function tell<P extends Declared>(payload: P): Tell<In<P>, Out<P>>
export function tell(payload?: Schema): Tell<unknown> {
  return { kind: 'tell', payload }
}

/** Declares a message that is answered by items, by types or by schemas. */
export function flow<Payload = void, Item = void>(): Flow<Payload, Item>
export function flow<P extends Declared, R extends Declared>(
  payload: P,
  item: R,
): Flow<In<P>, Out<R>, Out<P>, In<R>>
export function flow(payload?: Schema, reply?: Schema): Flow<unknown, unknown> {
  return { kind: 'flow', payload, reply }
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
type Answered<Reply> = Reply | Promise<Reply>

/** One method per message of the protocol. */
export type MessageHandlers<P extends Protocol> = {
  [Name in keyof P]: P[Name] extends Ask<infer _P, infer _R, infer Received, infer Answer>
    ? (payload: Received, ctx: Context<P>) => Answered<Answer>
    : P[Name] extends Tell<infer _P, infer Received>
      ? (payload: Received, ctx: Context<P>) => Answered<void>
      : P[Name] extends Flow<infer _P, infer _I, infer Received, infer Given>
        ? (payload: Received, ctx: Context<P>) => AsyncIterable<Given> | Iterable<Given>
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
  new (args: Args): Handlers<NoInfer<P>>
}
