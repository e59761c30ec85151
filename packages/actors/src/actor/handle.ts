import type { AskOptions, FlowOptions, Ref, SendOptions, TellOutcome } from '../api/ref.js'
import type { MessageKind, Protocol } from '../api/protocol.js'
import {
  abortSignal,
  limitMs,
  problemIn,
  refusal,
  wholeFrom,
  type Rule,
  shapeOf,
} from '../checks.js'
import type { TimerWheel } from '../wheel.js'
import type { Book } from './book.js'
import { FlowConsumer } from './flow-consumer.js'
import { PendingAsk } from './pending-ask.js'
import type { Target } from './target.js'

/** What a handle needs of the thread that it lives in. */
export interface Sender {
  readonly wheel: TimerWheel
  readonly book: Book
  /** The actor whose turn it is. */
  readonly current: { readonly path: string } | undefined
}

const uncloneable = (): void => undefined

type Methods<Method> = Readonly<Record<string, Method>>

/**
 * An object without a prototype's names. One from `Object.create(null)` is a hash table, three times
 * as large.
 */
const Methods = function () {} as unknown as new () => object
Methods.prototype = Object.create(null) as object
type Sends<Options, Result> = (payload?: unknown, options?: Options) => Result
type AskMethod = Sends<AskOptions, Promise<unknown>>
type TellMethod = Sends<SendOptions, TellOutcome>
type FlowMethod = Sends<FlowOptions, AsyncIterableIterator<unknown>>

/**
 * The one implementation of `Ref`. One object per actor and thread, so `===` compares actors.
 * Its methods are plain ones, made from the protocol's names when they are first wanted: no Proxy,
 * so neither `then` nor `__proto__` means anything special, and they may be passed on unbound.
 */
export class Handle {
  /**
   * A function among its own properties keeps structured clone from making an empty object of it
   * in the places where refs are not looked for, a Map say.
   */
  readonly uncloneable = uncloneable
  readonly #target: Target
  readonly #sender: Sender
  #ask: Methods<AskMethod> | undefined
  #tell: Methods<TellMethod> | undefined
  #flow: Methods<FlowMethod> | undefined

  constructor(target: Target, sender: Sender) {
    this.#target = target
    this.#sender = sender
  }

  static targetOf(handle: Handle): Target {
    return handle.#target
  }

  static senderOf(handle: Handle): Sender {
    return handle.#sender
  }

  get path(): string {
    return this.#target.path
  }

  get ask(): Methods<AskMethod> {
    return (this.#ask ??= this.#methods('ask', askMethod))
  }

  get tell(): Methods<TellMethod> {
    return (this.#tell ??= this.#methods('tell', tellMethod))
  }

  get flow(): Methods<FlowMethod> {
    return (this.#flow ??= this.#methods('flow', flowMethod))
  }

  room(): Promise<void> {
    return this.#target.room()
  }

  #methods<Method>(
    kind: MessageKind,
    make: (target: Target, sender: Sender, index: number) => Method,
  ): Methods<Method> {
    const { names, kinds } = this.#target.table
    const methods = new Methods() as Record<string, Method>
    for (let index = 0; index < names.length; index++) {
      if (kinds[index] === kind) methods[names[index]] = make(this.#target, this.#sender, index)
    }
    return Object.freeze(methods)
  }
}

const trace: Rule = {
  is: 'a W3C trace context: { traceparent, tracestate }',
  fits: (value) => {
    const { traceparent, tracestate = '' } = (value ?? {}) as Record<string, unknown>
    return typeof traceparent === 'string' && typeof tracestate === 'string'
  },
}
const tellShape = shapeOf<SendOptions>({ trace })
const askShape = shapeOf<AskOptions>({ timeoutMs: limitMs, signal: abortSignal, trace })
const flowShape = shapeOf<FlowOptions>({ credit: wholeFrom(1), signal: abortSignal, trace })

/** As it is called by a user: of a message without a payload the first argument is the options. */
function called<Options, Result>(
  { table }: Target,
  index: number,
  send: Sends<Options, Result>,
): Sends<Options, Result> {
  if (!table.bare[index]) return send
  return (first, second) => {
    if (first === undefined) return send(undefined, second)
    // With options behind it, it was meant as a payload: there is no such option.
    const options = second === undefined ? first : { ...second, payload: first }
    return send(undefined, options as Options)
  }
}

function tellMethod(target: Target, _sender: Sender, index: number): TellMethod {
  return called(target, index, (payload, options) => {
    if (options === undefined) return target.tell(index, payload, undefined)
    const problem = problemIn(options, tellShape)
    if (problem !== undefined) throw refusal(callOf(target, index), problem)
    return target.tell(index, payload, options.trace)
  })
}

/** The options that most asks have, looked at without going through all that they might be. */
function hasOnlyALimit(options: AskOptions | null): boolean {
  const timeoutMs = options?.timeoutMs
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) return false
  for (const name in options) if (name !== 'timeoutMs') return false
  return true
}

function askMethod(target: Target, sender: Sender, index: number): AskMethod {
  const message = target.table.names[index]
  return called(target, index, (payload, options) => {
    const isFine = options === undefined || hasOnlyALimit(options)
    const problem = isFine ? undefined : problemIn(options, askShape)
    if (problem !== undefined) return Promise.reject(refusal(callOf(target, index), problem))
    const pending = new PendingAsk(sender.book, target.path, message, sender.current?.path)
    if (options === undefined || pending.limit(options, sender.wheel)) {
      target.ask(index, payload, pending, options?.trace)
    }
    return pending.promise
  })
}

function flowMethod(target: Target, sender: Sender, index: number): FlowMethod {
  const message = target.table.names[index]
  return called(target, index, (payload, options = {}) => {
    const problem = problemIn(options, flowShape)
    const limits = problem === undefined ? options : {}
    const from = sender.current?.path
    return new FlowConsumer(sender.book, target.path, message, from, limits, (consumer) => {
      if (problem === undefined) target.ask(index, payload, consumer, options.trace)
      else consumer.notSent(refusal(callOf(target, index), problem))
    })
  })
}

/** For an error about its options. */
function callOf({ path, table }: Target, index: number): string {
  return `the ${table.kinds[index]} "${table.names[index]}" of ${path}`
}

/** The handle as users see it. The names were checked against `P` where it was spawned. */
export function asRef<P extends Protocol>(handle: Handle): Ref<P> {
  return handle as unknown as Ref<P>
}
