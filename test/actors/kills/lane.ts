import type { Group, Placement, Random, Ref, System } from '@kaitian/actors'
import type { Ledger } from './ledger.js'
import { SlowVictim } from './slow-victim.js'
import { Victim, type VictimProtocol } from './victim.js'

export type Kind = 'thread' | 'process'

export interface Storm {
  readonly system: System
  readonly ledger: Ledger
  /** The test's own native code, where it could be built. */
  readonly addon: string | undefined
  /** Kills still to be done; the lanes share them. */
  left: Record<Kind, number>
  /** How often each way of dying was tried. */
  readonly ways: Map<string, number>
}

type VictimRef = Ref<typeof VictimProtocol>

const strategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const
const stop = { timeoutMs: 20, abortMs: 500, exitMs: 20_000 }

/**
 * Two victims in a group, killed again and again while they are at work, until the group is
 * stopped and the next one made. Every moment is drawn from the seed.
 */
export class Lane {
  readonly #storm: Storm
  readonly #kind: Kind
  readonly #random: Random

  constructor(storm: Storm, kind: Kind, random: Random) {
    this.#storm = storm
    this.#kind = kind
    this.#random = random
  }

  async run(): Promise<void> {
    for (let round = 0; this.#storm.left[this.#kind] > 0; round++) await this.#round(round)
  }

  async #round(round: number): Promise<void> {
    const { system } = this.#storm
    const name = `${this.#kind}-${this.#random.key.at(-1)}-${round}`
    const strategy = this.#pick(strategies)
    const restart = { max: Infinity, withinMs: 1000, backoffMs: this.#random.integer(3) }
    const group = system.supervise({ name, strategy, restart })
    const spawned = [this.#spawn(group, 'a'), this.#spawn(group, 'b')]
    // Now and then before they are there: in the midst of an import, or of a start.
    if (this.#random.next() < 0.15) return this.#stopEarly(group, spawned)
    const refs = await Promise.all(spawned)
    for (let i = 0; i < 8 && this.#takeKill(); i++) {
      for (const ref of refs) this.#work(ref, refs)
      await this.#wait(12)
      await this.#kill(this.#pick(refs))
    }
    await this.#end(group, refs)
  }

  #spawn(group: Group, name: string): Promise<VictimRef> {
    const slow = this.#random.next() < 0.3
    const module = new URL(slow ? './slow-victim.js' : './victim.js', import.meta.url)
    const on: Placement = this.#kind === 'thread' ? { thread: module } : { process: module }
    const args = { startMs: this.#random.integer(4), stopMs: this.#random.integer(30) }
    const options = { name, on, stop }
    return slow ? group.spawn(SlowVictim, args, options) : group.spawn(Victim, args, options)
  }

  async #stopEarly(group: Group, spawned: Promise<VictimRef>[]): Promise<void> {
    const { ledger } = this.#storm
    const settled = spawned.map((each) => ledger.track(`a spawn in ${group.path}`, each))
    await this.#wait(60)
    for (const _ of spawned) this.#takeKill()
    this.#note('stop in the midst of import or start')
    await ledger.track(`the stop of ${group.path}`, group.stop())
    await Promise.all(settled)
  }

  async #end(group: Group, refs: VictimRef[]): Promise<void> {
    const { system, ledger } = this.#storm
    const downs = refs.map((ref) => ledger.watch(system, ref))
    for (const ref of refs) this.#work(ref, refs)
    await this.#wait(10)
    if (this.#takeKill()) {
      this.#note('kill for good')
      await ledger.track(`the kill of ${refs[0].path}`, system.kill(refs[0]))
    }
    if (this.#takeKill()) this.#note('stop')
    await ledger.track(`the stop of ${group.path}`, group.stop())
    await Promise.all(downs)
  }

  /** Whatever comes to mind; all of it must settle. */
  #work(ref: VictimRef, refs: readonly VictimRef[]): void {
    const { ledger, addon } = this.#storm
    const track = (what: string, promise: Promise<unknown>): void =>
      void ledger.track(`${what} of ${ref.path}`, promise)
    track('echo', ref.ask.echo(1))
    track('relay', ref.ask.relay({ to: this.#pick(refs), n: 2 }, { timeoutMs: 60_000 }))
    track('count', drain(ref))
    ref.tell.note(3)
    if (this.#kind === 'process')
      track(
        'pid',
        ref.ask.pid().then((pid) => ledger.pids.add(pid)),
      )
    const hard: (() => Promise<unknown>)[] = [
      () => ref.ask.sleep(60_000),
      () => ref.ask.spin(),
      () => ref.ask.wait(),
    ]
    if (addon !== undefined) hard.push(() => ref.ask.poll(addon))
    if (this.#kind === 'process') {
      hard.push(() => ref.ask.hash())
      if (addon !== undefined) hard.push(() => ref.ask.ignore(addon))
    }
    if (this.#random.next() < 0.7) track('hard work', this.#pick(hard)())
    track('echo behind', ref.ask.echo(4, { timeoutMs: 60_000 }))
  }

  async #kill(ref: VictimRef): Promise<void> {
    const { system, ledger } = this.#storm
    const way = this.#random.integer(10)
    if (way === 0) {
      this.#note('process.exit')
      ref.tell.exit(3)
      await this.#wait(5)
    } else if (way === 1) {
      this.#note('error outside any handler')
      ref.tell.crash()
      await this.#wait(5)
    } else if (way === 2 && this.#kind === 'process') {
      this.#note('SIGKILL from outside')
      this.#signal()
    }
    this.#note('kill, to be restarted')
    await ledger.track(`the crash of ${ref.path}`, system.kill(ref, { restart: true }))
  }

  /** One of the processes that this lane, or another, has met; most are gone by now. */
  #signal(): void {
    const pid = [...this.#storm.ledger.pids].at(-1)
    if (pid === undefined || pid === process.pid) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has died already.
    }
  }

  #takeKill(): boolean {
    if (this.#storm.left[this.#kind] <= 0) return false
    this.#storm.left[this.#kind]--
    return true
  }

  #note(way: string): void {
    const key = `${this.#kind}: ${way}`
    this.#storm.ways.set(key, (this.#storm.ways.get(key) ?? 0) + 1)
  }

  #wait(mostMs: number): Promise<void> {
    return this.#storm.system.clock.sleep(this.#random.next() * mostMs)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.integer(items.length)]
  }
}

async function drain(ref: VictimRef): Promise<void> {
  let items = 0
  for await (const _ of ref.flow.count()) if (++items === 20) return
}
