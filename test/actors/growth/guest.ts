import {
  ask,
  flow,
  protocol,
  tell,
  type ActorRef,
  type Context,
  type Handlers,
  type Placement,
  type Ref,
} from '@kaitian/actors'
import { heapBytes } from './heap.js'

const HostProtocol = protocol({
  hi: ask<void, number>(),
  note: tell(),
  noteSignal: tell(),
  count: flow<number, number>(),
})

export const GuestProtocol = protocol({
  ...HostProtocol,
  /** One item, and then nothing. */
  hang: flow<void, number>(),
  /** Answers when its signal has aborted, which is too late. */
  untilGivenUp: ask(),
  fail: ask(),
  exit: ask(),
  bear: ask<{ on: 'inline' | 'thread' }, Ref<typeof HostProtocol>>(),
  end: ask<{ ref: ActorRef }>(),
  /** Spawns, watches and ends so many children. */
  raise: ask<number>(),
  /** Timers that are due, cancelled, or waited for with a signal. */
  time: ask(),
  echo: ask<{ refs: ActorRef[] }, { refs: ActorRef[] }>(),
  /** Does with a host what one can do with it, and leaves it all open. */
  visit: ask<{ host: Ref<typeof HostProtocol> }>(),
  watch: ask<{ ref: ActorRef; times: number }>(),
  heap: ask<void, number>(),
})

export type GuestRef = Ref<typeof GuestProtocol>

type Ctx = Context<typeof GuestProtocol>

export const guestModule = new URL(import.meta.url)

/** Does again and again what should leave nothing behind. */
export class Guest implements Handlers<typeof GuestProtocol> {
  static readonly protocol = GuestProtocol

  hi(): number {
    return 1
  }

  note(): void {}

  noteSignal(_: void, ctx: Ctx): void {
    void ctx.message.signal
  }

  *count(items: number): Generator<number> {
    for (let n = 0; n < items; n++) yield n
  }

  async *hang(): AsyncGenerator<number> {
    yield 1
    await new Promise(() => undefined)
  }

  async untilGivenUp(_: void, ctx: Ctx): Promise<void> {
    const { signal } = ctx.message
    if (signal.aborted) return
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }

  fail(): void {
    throw new RangeError('as it should')
  }

  exit(): void {
    process.exit(1)
  }

  bear({ on }: { on: 'inline' | 'thread' }, ctx: Ctx): Promise<GuestRef> {
    const where: Placement = on === 'inline' ? on : { thread: guestModule }
    return ctx.spawn(Guest, undefined, { on: where })
  }

  async end({ ref }: { ref: ActorRef }, ctx: Ctx): Promise<void> {
    await ctx.stop(ref)
  }

  async raise(times: number, ctx: Ctx): Promise<void> {
    for (let i = 0; i < times; i++) {
      const child = await ctx.spawn(Guest, undefined)
      ctx.watch(child, () => undefined)
      ctx.watch(child, () => undefined)()
      await ctx.stop(child)
      ctx.watch(child, () => undefined)
    }
  }

  async time(_: void, ctx: Ctx): Promise<void> {
    ctx.after(0, () => undefined)
    ctx.after(1000, () => undefined)()
    ctx.every(1000, () => undefined)()
    await ctx.clock.sleep(0, ctx.signal)
  }

  echo(refs: { refs: ActorRef[] }): { refs: ActorRef[] } {
    return refs
  }

  async visit({ host }: { host: Ref<typeof HostProtocol> }, ctx: Ctx): Promise<void> {
    ctx.watch(host, () => undefined)
    host.tell.note()
    host.tell.noteSignal()
    await host.ask.hi()
    await host.flow.count(100, { signal: ctx.signal }).next()
    await host.room()
  }

  watch({ ref, times }: { ref: ActorRef; times: number }, ctx: Ctx): void {
    for (let i = 0; i < times; i++) ctx.watch(ref, () => undefined)()
  }

  heap(): Promise<number> {
    return heapBytes()
  }
}
