import type { AskOptions, FlowOptions, Ref, SendOptions, TellOutcome } from '../api/ref.js'
import type { MessageKind, Protocol } from '../api/protocol.js'
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
type AskMethod = (payload?: unknown, options?: AskOptions) => Promise<unknown>
type TellMethod = (payload?: unknown, options?: SendOptions) => TellOutcome
type FlowMethod = (payload?: unknown, options?: FlowOptions) => AsyncIterableIterator<unknown>

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

function tellMethod(target: Target, _sender: Sender, index: number): TellMethod {
  return (payload, options) => target.tell(index, payload, options?.trace)
}

function askMethod(target: Target, sender: Sender, index: number): AskMethod {
  const message = target.table.names[index]
  return (payload, options) => {
    const pending = new PendingAsk(sender.book, target.path, message, sender.current?.path)
    if (options === undefined || pending.limit(options, sender.wheel)) {
      target.ask(index, payload, pending, options?.trace)
    }
    return pending.promise
  }
}

function flowMethod(target: Target, sender: Sender, index: number): FlowMethod {
  const message = target.table.names[index]
  return (payload, options = {}) =>
    new FlowConsumer(sender.book, target.path, message, sender.current?.path, options, (consumer) =>
      target.ask(index, payload, consumer, options.trace),
    )
}

/** The handle as users see it. The names were checked against `P` where it was spawned. */
export function asRef<P extends Protocol>(handle: Handle): Ref<P> {
  return handle as unknown as Ref<P>
}
