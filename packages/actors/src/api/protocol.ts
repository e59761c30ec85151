import { KaitianError } from '@kaitian/errors'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isSchema, type Schema } from '../schema.js'
import type { Context, DeferredAnswer, SpawnOptions } from './context.js'

declare const types: unique symbol

/** See {@link nothing}. */
export interface Nothing {
  readonly kind: 'nothing'
}

/**
 * In place of a payload's schema: the message has none, and whoever sends it gives the options
 * first. `total: ask<number>(nothing)` is sent by `ref.ask.total({ timeoutMs: 5 })`. A type alone,
 * as in `ask<void, number>()`, is gone at run time, where such options could be a payload too.
 */
export const nothing: Nothing = Object.freeze({ kind: 'nothing' })

/**
 * A message that is answered. The sender gives `Payload` and gets `Reply`; the handler gets
 * `Received` and gives `Answer`. They differ only where a schema transforms.
 */
export interface Ask<Payload, Reply, Received = Payload, Answer = Reply> {
  readonly kind: 'ask'
  readonly payload?: Schema | Nothing | undefined
  readonly reply?: Schema | undefined
  readonly [types]?: [(payload: Payload) => Reply, (received: Received) => Answer]
}

/** A message that is not answered. */
export interface Tell<Payload, Received = Payload> {
  readonly kind: 'tell'
  readonly payload?: Schema | Nothing | undefined
  readonly [types]?: [(payload: Payload) => void, (received: Received) => void]
}

/** A message that is answered by any number of items. */
export interface Flow<Payload, Item, Received = Payload, Given = Item> {
  readonly kind: 'flow'
  readonly payload?: Schema | Nothing | undefined
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
 * Declares an answered message, by types or by Standard Schemas, which are then checked at run
 * time: `ask<Payload, Reply>()`, `ask(PayloadSchema, ReplySchema)`; without a payload
 * `ask<Reply>(nothing)`, `ask(nothing, ReplySchema)`.
 */
export function ask<Payload = void, Reply = void>(): Ask<Payload, Reply>
export function ask<Reply = void>(payload: Nothing): Ask<Nothing, Reply, void>
export function ask<R extends Declared>(
  payload: Nothing,
  reply: R,
): Ask<Nothing, Out<R>, void, In<R>>
export function ask<P extends Declared>(payload: P): Ask<In<P>, void, Out<P>, void>
export function ask<P extends Declared, R extends Declared>(
  payload: P,
  reply: R,
): Ask<In<P>, Out<R>, Out<P>, In<R>>
export function ask(payload?: Schema | Nothing, reply?: Schema): Ask<unknown, unknown> {
  checkDeclared('ask', 'payload', payload)
  checkDeclared('ask', 'reply', reply)
  return { kind: 'ask', payload, reply }
}

/** Declares a message without an answer, by type or by schema, or without a payload. */
export function tell<Payload = void>(): Tell<Payload>
export function tell(payload: Nothing): Tell<Nothing, void>
export function tell<P extends Declared>(payload: P): Tell<In<P>, Out<P>>
export function tell(payload?: Schema | Nothing): Tell<unknown> {
  checkDeclared('tell', 'payload', payload)
  return { kind: 'tell', payload }
}

/** Declares a message that is answered by items, by types or by schemas, or without a payload. */
export function flow<Payload = void, Item = void>(): Flow<Payload, Item>
export function flow<Item = void>(payload: Nothing): Flow<Nothing, Item, void>
export function flow<R extends Declared>(
  payload: Nothing,
  item: R,
): Flow<Nothing, Out<R>, void, In<R>>
export function flow<P extends Declared, R extends Declared>(
  payload: P,
  item: R,
): Flow<In<P>, Out<R>, Out<P>, In<R>>
export function flow(payload?: Schema | Nothing, reply?: Schema): Flow<unknown, unknown> {
  checkDeclared('flow', 'payload', payload)
  checkDeclared('flow', 'item', reply)
  return { kind: 'flow', payload, reply }
}

function checkDeclared(kind: MessageKind, part: string, declared: unknown): void {
  if (declared === undefined || isSchema(declared)) return
  if (part === 'payload' && declared === nothing) return
  throw new KaitianError(
    'BAD_ARGUMENT',
    `The ${part} of a message is declared by its type, ${kind}<…>(), or by a Standard Schema`,
    { fields: { kind, part } },
  )
}

/** Names that a class has for other reasons, or that a promise or object would trip over. */
const reservedNames = ['start', 'stop', 'constructor', 'then', 'prototype', '__proto__']

/** Declares a protocol; refuses the names `start`, `stop` and those of plain objects. */
export function protocol<P extends Protocol>(messages: P): P {
  for (const [name, message] of Object.entries(messages)) {
    const fields = { name }
    if (reservedNames.includes(name)) {
      const sentence = `A message cannot be called "${name}"; rename it`
      throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
    }
    if (!['ask', 'tell', 'flow'].includes(message?.kind)) {
      const sentence = `"${name}" is no message; declare it by ask(), tell() or flow()`
      throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
    }
  }
  return Object.freeze(messages)
}

/** What the handler of an ask gives as its answer. */
export type AnswerTo<Message> =
  // oxlint-disable-next-line typescript/no-explicit-any -- `any` is the only bound all payloads fit
  Message extends Ask<any, any, any, infer Answer> ? Answer : never

/** What a handler may return: the reply, what `ctx.message.defer()` gave, or a promise of one. */
type Answered<Reply> = Reply | DeferredAnswer<Reply> | Promise<Reply | DeferredAnswer<Reply>>

/** One method per message of the protocol. */
export type MessageHandlers<P extends Protocol> = {
  [Name in keyof P]: P[Name] extends Ask<infer _P, infer _R, infer Received, infer Answer>
    ? (payload: Received, ctx: Context<P, Name>) => Answered<Answer>
    : P[Name] extends Tell<infer _P, infer Received>
      ? (payload: Received, ctx: Context<P, Name>) => void | Promise<void>
      : P[Name] extends Flow<infer _P, infer _I, infer Received, infer Given>
        ? (payload: Received, ctx: Context<P, Name>) => AsyncIterable<Given> | Iterable<Given>
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
export type ActorClass<P extends Protocol, Args> = Actor<P, [args: Args]>

/** An actor class by what its constructor takes: one cloneable value, or nothing. */
export interface Actor<P extends Protocol, Params extends readonly unknown[]> {
  readonly name: string
  readonly protocol: P
  new (...args: Params): Handlers<NoInfer<P>>
}

/**
 * What `spawn` takes behind the class: what its constructor takes, and options. A second parameter of
 * the constructor can only be one that may be left out.
 */
export type SpawnArgs<Params extends readonly unknown[]> = Params extends readonly []
  ? [args?: undefined, options?: SpawnOptions]
  : Params extends readonly [infer Args, ...infer Others]
    ? [] extends Others
      ? [args: Args, options?: SpawnOptions]
      : [theConstructorTakesOneArgument: never]
    : Params extends readonly [(infer Args)?, ...unknown[]]
      ? [args?: Args, options?: SpawnOptions]
      : never
