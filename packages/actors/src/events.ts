import { EventEmitter } from 'eventemitter3'

type Listener = (...args: unknown[]) => unknown

/** Taken now: a test may put a fake one in its place later. */
const nextTick = process.nextTick.bind(process)

/**
 * What `fn` throws harms nobody who calls it, but is not swallowed either: it is an uncaught error
 * of the program a moment later, as with a listener of an EventTarget.
 */
export function apart<This, Args extends unknown[]>(
  fn: (this: This, ...args: Args) => unknown,
): (this: This, ...args: Args) => void {
  return function (...args) {
    try {
      fn.apply(this, args)
    } catch (error) {
      nextTick(() => {
        throw error
      })
    }
  }
}

/** By the listener, and the other way round: one for each, so that `off` finds it. */
const wrappers = new WeakMap<Listener, Listener>()
const originals = new WeakMap<Listener, Listener>()

function wrapperOf(listener: Listener): Listener {
  // What is no function is refused by the emitter; a wrapper comes from the emitter itself.
  if (typeof listener !== 'function' || originals.has(listener)) return listener
  let wrapper = wrappers.get(listener)
  if (wrapper === undefined) {
    wrapper = apart(listener)
    wrappers.set(listener, wrapper)
    originals.set(wrapper, listener)
  }
  return wrapper
}

/** What an emitter's types say of listeners is not needed here. */
interface PlainEmitter {
  on(event: string, listener: Listener, context?: unknown): this
  once(event: string, listener: Listener, context?: unknown): this
  removeListener(event: string, listener?: Listener, context?: unknown, once?: boolean): this
  listeners(event: string): Listener[]
}

class BystanderEmitter extends (EventEmitter as unknown as new () => PlainEmitter) {
  override on(event: string, listener: Listener, context?: unknown): this {
    return super.on(event, wrapperOf(listener), context)
  }

  addListener(event: string, listener: Listener, context?: unknown): this {
    return this.on(event, listener, context)
  }

  override once(event: string, listener: Listener, context?: unknown): this {
    return super.once(event, wrapperOf(listener), context)
  }

  override removeListener(
    event: string,
    listener?: Listener,
    context?: unknown,
    once?: boolean,
  ): this {
    return super.removeListener(event, listener && wrapperOf(listener), context, once)
  }

  off(event: string, listener?: Listener, context?: unknown, once?: boolean): this {
    return this.removeListener(event, listener, context, once)
  }

  override listeners(event: string): Listener[] {
    return super.listeners(event).map((wrapper) => originals.get(wrapper) ?? wrapper)
  }
}

/**
 * An emitter whose listeners are bystanders, see {@link apart}: it emits in the midst of a failure or
 * a turn, which one that throws must not break off, nor keep the news from the other listeners.
 */
export function eventsOf<Types extends object>(): EventEmitter<Types> {
  return new BystanderEmitter() as unknown as EventEmitter<Types>
}
