import {
  createSystem,
  seededRandom,
  type Placement,
  type Random,
  type System,
} from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Echoer, mismatch, Registry, type EchoerRef } from '../actors/kills/echoes.js'
import { eventually } from '../actors/support.js'
import { depth } from '../depth.js'

/** Names the run: `KAITIAN_SEED=7 node …` draws the same moments again. */
const seed = Number(process.env.KAITIAN_SEED ?? 1)
const module = new URL('../actors/kills/echoes.js', import.meta.url)
const places: Record<'thread' | 'process', Placement> = {
  thread: { thread: module },
  process: { process: module },
}
/** `KAITIAN_KILLS=200` does more, of each kind. */
const wanted = process.env.KAITIAN_KILLS
const kills = {
  thread: Number(wanted ?? depth({ cut: 40, full: 100 })),
  process: Number(wanted ?? depth({ cut: 12, full: 50 })),
}
/** What may become of an ask of who is killed. */
const losses = ['THREAD_EXITED', 'PROCESS_EXITED', 'ACTOR_RESTARTING', 'MAILBOX_FULL']

const test = suite('kills amid posts')

/** One actor that is killed again and again, two that talk with it, and the test that does. */
class Lane {
  readonly #system: System
  readonly #random: Random
  readonly #on: Placement
  readonly #lives: Map<string, number>
  readonly #problems: string[]
  #lastId = 0
  answered = 0
  lost = 0

  constructor(
    system: System,
    random: Random,
    on: Placement,
    known: { lives: Map<string, number>; problems: string[] },
  ) {
    this.#system = system
    this.#random = random
    this.#on = on
    this.#lives = known.lives
    this.#problems = known.problems
  }

  async run(times: number): Promise<void> {
    const registry = await this.#system.spawn(Registry, {
      lives: this.#lives,
      problems: this.#problems,
    })
    const args = { registry }
    const restart = { max: 1_000_000, withinMs: 1_000_000 }
    const victim = await this.#system.spawn(Echoer, args, { on: this.#on, restart })
    const beside = await this.#system.spawn(Echoer, args, { on: this.#on })
    const near = await this.#system.spawn(Echoer, args)
    for (let i = 0; i < times; i++) {
      const back = this.#restarted(victim)
      const all = [this.#kill(victim)]
      victim.tell.chatter({ to: [registry, beside, near], times: this.#random.integer(20) })
      for (const other of [beside, near]) {
        other.tell.chatter({ to: [victim, registry], times: this.#random.integer(20) })
      }
      for (let n = this.#random.integer(40); n > 0; n--) {
        victim.tell.note(n)
        if (n % 4 === 0) all.push(this.#ask(victim).then(() => undefined))
        if (n % 8 === 0) await Promise.resolve()
      }
      await Promise.all([...all, back])
      all.push(this.#ask(victim).then(() => undefined))
    }
    await Promise.all([victim, beside, near].map((ref) => ref.ask.life()))
  }

  /** Now and then as soon as an answer is there, while more that was said is on its way. */
  async #kill(victim: EchoerRef): Promise<void> {
    const kill = (): Promise<void> => this.#system.kill(victim, { restart: true })
    if (this.#random.next() < 0.3) {
      await this.#system.clock.sleep(this.#random.next() * 5)
      return kill()
    }
    let killed: Promise<void> | undefined
    const asked = this.#ask(victim, () => void (killed = kill()))
    if (this.#random.next() < 0.5) this.#block(this.#random.next() * 20)
    await asked
    await (killed ?? kill())
  }

  /** So that much of what the others say comes in one batch. */
  #block(ms: number): void {
    const { clock } = this.#system
    for (const until = clock.now() + ms; clock.now() < until;);
  }

  async #ask(victim: EchoerRef, then: () => void = () => undefined): Promise<void> {
    const life = this.#lives.get(victim.path) ?? 0
    const question = { from: 'the test', life, id: ++this.#lastId }
    try {
      const answer = await victim.ask.echo(question)
      then()
      this.answered++
      const problem = mismatch(question, answer)
      if (problem !== undefined) this.#problems.push(problem)
      if (answer.by < life) this.#problems.push(`life ${answer.by} answered, in life ${life}`)
    } catch (error) {
      this.lost++
      const code = error instanceof KaitianError ? error.code : String(error)
      if (!losses.includes(code)) this.#problems.push(`an ask ended with ${code}`)
    }
  }

  #restarted({ path }: EchoerRef): Promise<void> {
    const { events } = this.#system
    return new Promise((resolve) => {
      const listener = (event: { path: string }): void => {
        if (event.path !== path) return
        events.off('restarted', listener)
        resolve()
      }
      events.on('restarted', listener)
    })
  }
}

for (const [kind, place] of Object.entries(places) as [keyof typeof places, Placement][]) {
  test(`A3 A4 ${kills[kind]} kills with restart of a ${kind} amid posts: no answer is another's, the books balance`, async () => {
    const system = createSystem()
    const known = { lives: new Map<string, number>(), problems: [] as string[] }
    const random = seededRandom('echoes', seed).fork(kind)
    const lanes = [0, 1].map((n) => new Lane(system, random.fork(n), place, known))
    await Promise.all(lanes.map((lane) => lane.run(kills[kind] / lanes.length)))
    await eventually(async () => (await system.accounts()).inFlight <= 0)
    const { sent, handled, deadLettered, inFlight } = await system.accounts()
    const answered = lanes.reduce((sum, lane) => sum + lane.answered, 0)
    const lost = lanes.reduce((sum, lane) => sum + lane.lost, 0)
    console.log(`\n  seed ${seed}: ${answered} asks answered, ${lost} lost; ${sent} messages sent`)
    assert.equal(known.problems, [], `seed ${seed}`)
    assert.is(sent, handled + deadLettered, 'A4')
    assert.is(inFlight, 0, 'A4')
    assert.ok(answered >= kills[kind])
    assert.ok(lost > 0)
    await system.dispose()
  })
}

test.run()
