import { ask, nothing, protocol, type ActorSnapshot, type Context, type Ref } from '@kaitian/actors'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('asks in a snapshot')

const HolderProtocol = protocol({ hold: ask<string>(), letGo: ask(nothing) })

/** Answers nobody until it lets go. */
class Holder {
  static readonly protocol = HolderProtocol
  #letGo: (() => void)[] = []
  hold(_: string, ctx: Context<typeof HolderProtocol, 'hold'>) {
    const answer = ctx.message.defer()
    this.#letGo.push(() => answer.reply())
    return answer
  }
  letGo(): void {
    for (const letGo of this.#letGo.splice(0)) letGo()
  }
}

type HolderRef = Ref<typeof HolderProtocol>

const AskerProtocol = protocol({ grow: ask<HolderRef>(), hold: ask<HolderRef>() })

/** Asks wherever its code runs. */
class Asker {
  static readonly protocol = AskerProtocol
  readonly #holder: HolderRef
  constructor(holder: HolderRef) {
    this.#holder = holder
    void holder.ask.hold('in the constructor').catch(() => undefined)
  }
  start(ctx: Context): void {
    void this.#holder.ask.hold('in start').catch(() => undefined)
    ctx.own({ dispose: () => this.#holder.ask.hold('in disposal') })
    ctx.after(10, () => void this.#holder.ask.hold('in a timer').catch(() => undefined))
  }
  stop(): Promise<void> {
    return this.#holder.ask.hold('in stop')
  }
  async grow(holder: HolderRef, ctx: Context): Promise<void> {
    const spawned = ctx.spawn(Asker, holder, { name: 'child' })
    void holder.ask.hold('behind the spawn').catch(() => undefined)
    await spawned
  }
  hold(holder: HolderRef): Promise<void> {
    return holder.ask.hold('in a handler')
  }
}

/** How many asks wait for an answer, by the actor that made them. */
function asksOf(snapshot: ActorSnapshot): Record<string, number> {
  const counts: [string, number][] = []
  const count = ({ path, asks = [], children }: ActorSnapshot): void => {
    if (asks.length > 0) counts.push([path, asks.length])
    children.forEach(count)
  }
  count(snapshot)
  return Object.fromEntries(counts)
}

const module = new URL('file:///asker.js')

for (const on of ['inline', { thread: module }] as const) {
  test(`are those of the actor whose code asked (${on === 'inline' ? on : 'thread'})`, async () => {
    await using system = testSystem({ seed: 1 })
    const holder = await system.spawn(Holder, undefined, { name: 'holder' })
    const asker = await system.spawn(Asker, holder, { name: 'asker', on })
    await system.settle()
    assert.equal(asksOf(await system.snapshot()), { 'test/asker': 2 })
    await asker.ask.grow(holder)
    await system.settle()
    assert.equal(asksOf(await system.snapshot()), { 'test/asker': 3, 'test/asker/child': 2 })
    await system.advance(10)
    assert.equal(asksOf(await system.snapshot()), { 'test/asker': 4, 'test/asker/child': 3 })
    const held = asker.ask.hold(holder)
    await system.settle()
    assert.equal(asksOf(await system.snapshot()), { 'test/asker': 5, 'test/asker/child': 3 })
    await holder.ask.letGo()
    await held

    const stopped = system.stop(asker)
    await system.settle()
    const nextIs = async (path: string): Promise<void> => {
      assert.equal(asksOf(await system.snapshot()), { [path]: 1 })
      await holder.ask.letGo()
      await system.settle()
    }
    for (const path of ['test/asker/child', 'test/asker']) {
      await nextIs(path) // in stop
      await nextIs(path) // in disposal
    }
    await stopped
  })
}

test.run()
