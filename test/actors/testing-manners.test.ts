import { ask, protocol, tell, type Context, type Handlers, type Ref } from '@kaitian/actors'
import { overSeeds } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('testing, the manners of real threads')

const DeskProtocol = protocol({ echo: ask<string, string>() })

/** Answers after a while. */
class Desk implements Handlers<typeof DeskProtocol> {
  static readonly protocol = DeskProtocol

  async echo(text: string, { clock }: Context) {
    await clock.sleep(20)
    return text
  }
}

const ClientProtocol = protocol({ go: ask(), burst: tell<number>() })

/** What clients asked, and what they got instead. */
let wrong: string[] = []
let lives = 0

/** Asks one thing after the other, in each of its lives from its first question on. */
class Client implements Handlers<typeof ClientProtocol> {
  static readonly protocol = ClientProtocol
  readonly #desk: Ref<typeof DeskProtocol>
  readonly #life = ++lives

  constructor({ desk }: { desk: Ref<typeof DeskProtocol> }) {
    this.#desk = desk
  }

  start({ self }: Context<typeof ClientProtocol>) {
    if (this.#life > 1) self.tell.burst(10)
  }

  go(_: void, { self }: Context<typeof ClientProtocol>) {
    self.tell.burst(10)
  }

  burst(left: number, { self }: Context<typeof ClientProtocol>) {
    const asked = `question ${left} of life ${this.#life}`
    const check = (got: string): void => {
      if (got !== asked) wrong.push(`${asked}: ${got}`)
    }
    void this.#desk.ask.echo(asked).then(check, () => undefined)
    if (left > 1) self.tell.burst(left - 1)
  }
}

const places = {
  thread: { on: { thread: new URL(import.meta.url) } },
  process: { on: { process: new URL(import.meta.url) } },
}
for (const [where, place] of Object.entries(places)) {
  test(`a ${where} that is killed in the midst of what it says: what comes late answers nobody`, () =>
    overSeeds({
      seeds: 100,
      generate: () => [],
      async run(system) {
        wrong = []
        lives = 0
        const desk = await system.spawn(Desk, undefined)
        const restart = { max: 1, withinMs: 60_000 }
        const client = await system.spawn(Client, { desk }, { ...place, restart })
        // As soon as its answer is there, when more of what it says is here, or on its way.
        const killed = client.ask.go().then(() => system.kill(client, { restart: true }))
        await system.advance(1000)
        await killed
        assert.equal(wrong, [])
        assert.is(lives, 2)
        assert.is((await system.accounts()).inFlight, 0)
      },
    }))
}

test.run()
