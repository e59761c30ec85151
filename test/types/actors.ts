// Checked by the compiler alone: each `@ts-expect-error` line must be an error.
import * as v from 'valibot'
import { z } from 'zod'
import {
  ask,
  flow,
  move,
  nothing,
  protocol,
  tell,
  type,
  type ActorClass,
  type Context,
  type DeferredAnswer,
  type Handlers,
  type Ref,
  type System,
  type TellOutcome,
} from '@kaitian/actors'

const Echo = protocol({
  double: ask<{ x: number }, { y: number }>(),
  ping: ask(),
  note: tell<{ text: string }>(),
})

class EchoActor implements Handlers<typeof Echo> {
  static readonly protocol = Echo
  readonly args: { offset: number }
  constructor(args: { offset: number }) {
    this.args = args
  }
  start(ctx: Context<typeof Echo>): void {
    ctx.self.tell.note({ text: 'started' })
  }
  double({ x }: { x: number }): { y: number } {
    return { y: 2 * x + this.args.offset }
  }
  async ping(): Promise<void> {}
  note(): void {}
}

// @ts-expect-error a handler is missing
export class Incomplete implements Handlers<typeof Echo> {
  double({ x }: { x: number }): { y: number } {
    return { y: x }
  }
  ping(): void {}
}

export class WrongReply implements Handlers<typeof Echo> {
  // @ts-expect-error the reply has the wrong type
  double(): string {
    return ''
  }
  ping(): void {}
  note(): void {}
}

export async function correct(system: System): Promise<number> {
  const echo: Ref<typeof Echo> = await system.spawn(EchoActor, { offset: 1 })
  await echo.ask.ping()
  await echo.ask.ping(undefined, { timeoutMs: 10 })
  const outcome: TellOutcome = echo.tell.note({ text: outcome0 })
  system.watch(echo, (down) => down.reason satisfies string)
  const { y } = await echo.ask.double({ x: 1 })
  return outcome === 'queued' ? y : 0
}
const outcome0 = 'a'

export async function wrong(system: System): Promise<void> {
  // @ts-expect-error the constructor's argument has the wrong type
  const echo = await system.spawn(EchoActor, { offset: 'one' })
  // @ts-expect-error an ask is not a tell
  echo.tell.double({ x: 1 })
  // @ts-expect-error a tell is not an ask
  await echo.ask.note({ text: 'a' })
  // @ts-expect-error no such message
  await echo.ask.triple({ x: 1 })
  // @ts-expect-error the payload has the wrong type
  await echo.ask.double({ x: 'one' })
  // @ts-expect-error the payload is missing
  await echo.ask.double()
  // @ts-expect-error the payload has a field too many
  echo.tell.note({ text: 'a', loud: true })
  const reply = await echo.ask.double({ x: 1 })
  // @ts-expect-error the reply has no such field
  void reply.z
  // @ts-expect-error a class without a protocol is not an actor
  await system.spawn(class Plain extends Date {}, undefined)
  // @ts-expect-error an unknown overflow policy
  await system.spawn(EchoActor, { offset: 1 }, { mailbox: { overflow: 'explode' } })
  // @ts-expect-error a thread is named by a URL
  await system.spawn(EchoActor, { offset: 1 }, { on: { thread: './echo.js' } })
  const other: Ref<typeof Other> = await spawnOther(system)
  // @ts-expect-error refs of different protocols do not mix
  const mixed: Ref<typeof Echo> = other
  void mixed
  const part: Ref<Pick<typeof Echo, 'ping'>> = echo
  // @ts-expect-error a ref that knows a part of the protocol is none of the whole
  const whole: Ref<typeof Echo> = part
  void whole
}

const Other = protocol({ other: tell<void>() })
declare function spawnOther(system: System): Promise<Ref<typeof Other>>

protocol({
  // @ts-expect-error a protocol holds asks and tells
  bad: 1,
})

const Name = z.object({ name: z.string(), size: z.coerce.number<string>() })

/** By schemas: what is sent and what is handled differ where a schema transforms. */
const Shop = protocol({
  order: ask(Name, v.pipe(v.number(), v.transform(String))),
  price: ask(Name, type<number>()),
  note: tell(z.string()),
  goods: flow<{ from: number }, { at: number }>(),
  names: flow(
    z.string(),
    z.string().transform((name) => name.length),
  ),
})

export class ShopActor implements Handlers<typeof Shop> {
  static readonly protocol = Shop
  order({ name, size }: { name: string; size: number }): number {
    return name.length + size
  }
  price(item: { size: number }): number {
    return item.size
  }
  note(text: string): void {
    text satisfies string
  }
  async *goods(
    { from }: { from: number },
    ctx: Context<typeof Shop>,
  ): AsyncGenerator<{ at: number }> {
    ctx.message.signal satisfies AbortSignal
    yield { at: from }
  }
  *names(prefix: string): Generator<string> {
    yield prefix
  }
}

export class WrongItems implements Handlers<typeof Shop> {
  order = (): number => 1
  price = (): number => 1
  note(): void {}
  // @ts-expect-error the items have the wrong type
  async *goods(): AsyncGenerator<string> {
    yield 'a'
  }
  // @ts-expect-error a flow's handler gives items, not a promise
  async names(): Promise<string> {
    return 'a'
  }
}

export async function shop(system: System): Promise<void> {
  const group = system.supervise({
    strategy: 'rest-for-one',
    restart: { max: 3, withinMs: 1000, backoffMs: 10, maxBackoffMs: 100 },
  })
  const options = { on: { process: new URL('file:///shop.js') }, stop: { exitMs: 1 } } as const
  const ref = await group.spawn(ShopActor, undefined, options)
  const reply: string = await ref.ask.order({ name: 'a', size: '1' })
  const price: number = await ref.ask.price({ name: reply, size: '1' })
  ref.tell.note('a', { trace: { traceparent: String(price) } })
  for await (const { at } of ref.flow.goods({ from: 1 }, { credit: 4 })) at satisfies number
  for await (const length of ref.flow.names('a')) length satisfies number
  await ref.room()
  const data = new Float32Array(4)
  void ref.ask.order(move({ name: 'a', size: '1' }, [data.buffer]))
  // @ts-expect-error what is sent is the schema's input
  await ref.ask.order({ name: 'a', size: 1 })
  // @ts-expect-error a flow is not an ask
  await ref.ask.goods({ from: 1 })
  // @ts-expect-error nor a tell
  ref.tell.goods({ from: 1 })
  // @ts-expect-error an ask is not a flow
  ref.flow.order({ name: 'a', size: '1' })
  // @ts-expect-error the flow's payload has the wrong type
  ref.flow.goods({ from: 'one' })
  // @ts-expect-error no such strategy
  system.supervise({ strategy: 'all-for-one', restart: { max: 1, withinMs: 1 } })
  // @ts-expect-error a group says how often its children may be restarted
  system.supervise({ strategy: 'one-for-one' })
  // @ts-expect-error an actor is in one place
  await system.spawn(ShopActor, undefined, { on: { fork: new URL('file:///shop.js') } })
  // @ts-expect-error a tell takes no time limit
  ref.tell.note('a', { timeoutMs: 1 })
  // @ts-expect-error what is moved is named in a list
  move({ data }, data.buffer)
}

/** Without a payload: by type alone, or said so at run time. */
const Bare = protocol({
  total: ask<number>(nothing),
  name: ask(nothing, z.string()),
  reset: tell(nothing),
  ticks: flow<number>(nothing),
  ping: ask(nothing),
  old: ask<void, number>(),
  any: ask(z.any(), type<number>()),
})

export class BareActor implements Handlers<typeof Bare> {
  static readonly protocol = Bare
  total(_: void, ctx: Context<typeof Bare>): number {
    return ctx.message.name.length
  }
  name(): string {
    return ''
  }
  reset(): void {}
  async *ticks(): AsyncGenerator<number> {}
  async ping(): Promise<void> {}
  old(): number {
    return 1
  }
  any(): number {
    return 1
  }
}

export async function bare(system: System): Promise<void> {
  const ref = await system.spawn(BareActor)
  const options = { timeoutMs: 5, signal: AbortSignal.abort() }
  const total: number = await ref.ask.total()
  const again: number = await ref.ask.total(options)
  await ref.ask.total(undefined, options)
  const name: string = await ref.ask.name({ timeoutMs: total + again })
  ref.tell.reset({ trace: { traceparent: name } })
  ref.tell.reset(undefined, { trace: { traceparent: name } })
  for await (const tick of ref.flow.ticks({ credit: 1 })) tick satisfies number
  await ref.ask.ping({ timeoutMs: 5 })
  await ref.ask.old(undefined, { timeoutMs: 5 })
  await ref.ask.any({ timeoutMs: 5 }, { timeoutMs: 5 })
  // @ts-expect-error by type alone it is not known where it is sent
  await ref.ask.old({ timeoutMs: 5 })
  // @ts-expect-error no such option
  await ref.ask.total({ timeout: 5 })
  // @ts-expect-error it has no payload
  await ref.ask.total({}, { timeoutMs: 5 })
  // @ts-expect-error a tell takes no time limit
  ref.tell.reset({ timeoutMs: 5 })
  // @ts-expect-error an item is declared by type or schema
  flow(nothing, nothing)
}

class NoArgs implements Handlers<typeof Other> {
  static readonly protocol = Other
  other(): void {}
}

class MayTake extends NoArgs {
  readonly from: number
  constructor({ from = 0 }: { from?: number } = {}) {
    super()
    this.from = from
  }
}

class TakesOne extends NoArgs {
  readonly from: number
  constructor(args: { from: number }, unit = 1) {
    super()
    this.from = args.from * unit
  }
}

class TakesTwo extends NoArgs {
  readonly sum: number
  constructor(a: number, b: number) {
    super()
    this.sum = a + b
  }
}

/** What the constructor takes is what is spawned with, no more and no less. */
export async function constructed(system: System, ctx: Context): Promise<void> {
  const group = system.supervise({ strategy: 'one-for-one', restart: { max: 1, withinMs: 1 } })
  const given = null as unknown as ActorClass<typeof Other, { from: number }>
  for (const spawner of [system, group, ctx]) {
    const ref: Ref<typeof Other> = await spawner.spawn(NoArgs)
    ref.tell.other()
    await spawner.spawn(NoArgs, undefined, { name: 'a' })
    await spawner.spawn(MayTake)
    await spawner.spawn(MayTake, undefined, { name: 'a' })
    await spawner.spawn(MayTake, { from: 1 })
    await spawner.spawn(TakesOne, { from: 1 })
    await spawner.spawn(TakesOne, { from: 1 }, { name: 'a' })
    await spawner.spawn(given, { from: 1 })
    // @ts-expect-error the constructor takes nothing
    await spawner.spawn(NoArgs, { from: 1 })
    // @ts-expect-error options come behind what the constructor takes
    await spawner.spawn(NoArgs, { name: 'a' })
    // @ts-expect-error the constructor needs its argument
    await spawner.spawn(TakesOne)
    // @ts-expect-error the constructor needs its argument
    await spawner.spawn(TakesOne, undefined, { name: 'a' })
    // @ts-expect-error the constructor needs its argument
    await spawner.spawn(given)
    // @ts-expect-error the constructor takes less
    await spawner.spawn(TakesOne, { from: 1, to: 2 })
    // @ts-expect-error the constructor takes something else
    await spawner.spawn(TakesOne, { from: 'a' })
    // @ts-expect-error the constructor takes something else
    await spawner.spawn(MayTake, { from: 'a' })
    // @ts-expect-error an actor is constructed from one value
    await spawner.spawn(TakesTwo, 1)
    // @ts-expect-error an actor is constructed from one value
    await spawner.spawn(TakesTwo, 1, 2)
  }
}

/** An answer that is given later is that to the message in hand. */
const Later = protocol({
  count: ask<string, number>(),
  name: ask<void, string>(),
  sum: ask(z.string().transform(Number), z.coerce.number<string>()),
  note: tell<string>(),
})

type On<Name extends keyof typeof Later> = Context<typeof Later, Name>

export class LaterActor implements Handlers<typeof Later> {
  static readonly protocol = Later
  readonly #waiting: DeferredAnswer<number>[] = []
  count(text: string, ctx: On<'count'>): DeferredAnswer<number> | number {
    const answer = ctx.message.defer()
    answer.signal satisfies AbortSignal
    answer.reply(1)
    answer.refuse(new Error(text))
    // @ts-expect-error the reply has another type
    answer.reply('one')
    // @ts-expect-error the reply is missing
    answer.reply()
    this.#waiting.push(answer)
    void Promise.resolve(1).then(answer.reply, answer.refuse)
    return text === '' ? 1 : answer
  }
  async name(_: void, ctx: On<'name'>): Promise<DeferredAnswer<string>> {
    return ctx.message.defer()
  }
  /** What a schema transforms is what the handler gives. */
  sum(n: number, ctx: On<'sum'>): DeferredAnswer<string> {
    const answer = ctx.message.defer()
    answer.reply(String(n))
    return answer
  }
  note(): void {}
}

export class WrongLater implements Handlers<typeof Later> {
  // @ts-expect-error the answer is not returned
  count(_: string, ctx: On<'count'>): void {
    ctx.message.defer().reply(1)
  }
  // @ts-expect-error that is the answer to another message
  name(_: void, ctx: On<'count'>): DeferredAnswer<number> {
    return ctx.message.defer()
  }
  // @ts-expect-error without its name the message in hand may be any, and its answer is to none
  sum(_: number, ctx: Context<typeof Later>) {
    return ctx.message.defer()
  }
  // @ts-expect-error nobody waits for the answer to a tell
  note(_: string, ctx: On<'note'>): DeferredAnswer<string> {
    return ctx.message.defer<string>()
  }
}
