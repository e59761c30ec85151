import { ask, protocol, type Context, type Handlers, type Ref } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { outcomeOf, simulated } from './simulated.js'

const module = new URL(import.meta.url)

const DeskProtocol = protocol({ echo: ask<string, string>() })

class Desk implements Handlers<typeof DeskProtocol> {
  static readonly protocol = DeskProtocol

  echo(text: string) {
    return text
  }
}

type DeskRef = Ref<typeof DeskProtocol>

/** What the clerks have heard so far; simulated threads have one memory. */
const answers: { code?: string; value?: string }[] = []

const NoneProtocol = protocol({})

/** Asks while it starts, and does not wait for the answer. */
class Clerk implements Handlers<typeof NoneProtocol> {
  static readonly protocol = NoneProtocol
  readonly #desk: DeskRef

  constructor({ desk }: { desk: DeskRef }) {
    this.#desk = desk
  }

  start() {
    answers.push(outcomeOf(this.#desk.ask.echo('a question')))
  }
}

class Office implements Handlers<typeof NoneProtocol> {
  static readonly protocol = NoneProtocol
  readonly #desk: DeskRef

  constructor({ desk }: { desk: DeskRef }) {
    this.#desk = desk
  }

  async start(ctx: Context) {
    await ctx.spawn(Clerk, { desk: this.#desk }, { on: { thread: module } })
  }
}

class House implements Handlers<typeof NoneProtocol> {
  static readonly protocol = NoneProtocol

  async start(ctx: Context) {
    const desk = await ctx.spawn(Desk, undefined)
    await ctx.spawn(Office, { desk }, { on: { process: module } })
  }
}

const test = suite('introductions')

// Seed 16028 of the actors over seeds has found that it was let wait for ever: a thread in a process
// is introduced by way of the system's own, which introduced nobody to one that restarts.
test(
  'A3 what a restarting thread has started may ask it at once',
  simulated(async (system) => {
    const on = { thread: module }
    const restart = { max: 1, withinMs: 1000 }
    const house = await system.spawn(House, undefined, { on, restart })
    await system.settle()
    assert.equal(answers, [{ value: 'a question' }])
    await system.kill(house, { restart: true })
    await system.advance(100)
    assert.equal(answers, [{ value: 'a question' }, { value: 'a question' }])
  }),
)

test.run()
