import { createSystem, type Placement, type TellOutcome } from '@kaitian/actors'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ProbeActor } from './fixtures/probe.js'
import { eventually, placements } from './support.js'

type Step = 'tell' | 'ask' | 'refuse' | 'fault' | 'stop' | 'kill' | 'exit' | 'pause'

/** Sends what `steps` say to one actor with a small mailbox; returns what the sender saw. */
async function drive(on: Placement, steps: readonly Step[]) {
  const system = createSystem()
  let letters = 0
  let settled = 0
  let sent = 0
  const outcomes: TellOutcome[] = []
  const asks: Promise<unknown>[] = []
  system.events.on('dead-letter', () => letters++)
  try {
    const restart = { max: 1, withinMs: 60_000 }
    const probe = await system.spawn(ProbeActor, undefined, {
      on,
      restart,
      mailbox: { capacity: 3 },
    })
    const count = (ask: Promise<unknown>): void => {
      sent++
      asks.push(ask.catch(() => undefined).then(() => settled++))
    }
    for (const step of steps) {
      if (step === 'tell') outcomes.push(probe.tell.note(1))
      else if (step === 'ask') count(probe.ask.echo(1))
      else if (step === 'refuse') count(probe.ask.refuse())
      else if (step === 'fault') count(probe.ask.fault())
      // Inline it would end the test itself.
      else if (step === 'exit' && on !== 'inline') count(probe.ask.exit(1))
      else if (step === 'stop') void system.stop(probe)
      else if (step === 'kill') void system.kill(probe)
      else await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(asks)
    await eventually(async () => (await system.accounts()).inFlight === 0)
    const accounts = await system.accounts()
    return { accounts, letters, settled, asked: asks.length, sent: sent + outcomes.length }
  } finally {
    await system.dispose()
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Step>('tell', 'ask') },
  { weight: 2, arbitrary: fc.constant<Step>('pause') },
  { weight: 1, arbitrary: fc.constantFrom<Step>('refuse', 'fault', 'stop', 'kill', 'exit') },
)

for (const [where, on] of placements) {
  const test = suite(`accounts, ${where}`)

  test('A3 A4 every ask settles once; sent = handled + dead-lettered, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { accounts, letters, settled, asked, sent } = await drive(on, steps)
        assert.is(settled, asked)
        assert.is(accounts.sent, sent)
        assert.is(accounts.sent, accounts.handled + accounts.deadLettered)
        assert.is(letters, accounts.deadLettered)
      }),
      { seed: 20, numRuns: on === 'inline' ? 200 : 25 },
    )
  })

  test('A4 a dead letter says to whom it went, what it was and why', async () => {
    const system = createSystem()
    const letters: unknown[] = []
    system.events.on('dead-letter', (letter) => letters.push(letter))
    const probe = await system.spawn(ProbeActor, undefined, { on, name: 'p' })
    await system.stop(probe)
    assert.is(probe.tell.note(1), 'rejected')
    assert.equal(letters, [
      { to: 'system/p', kind: 'tell', message: 'note', reason: 'stopped', count: 1 },
    ])
    await system.dispose()
  })

  test.run()
}
