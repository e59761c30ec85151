import { messagePort, type Port, Ports } from '@kaitian/actors/internal'
import { BroadcastChannel, MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Late, lateChannel } from './fixtures/late.js'
import { Settler } from './fixtures/settler.js'
import { eventually, withSystem } from './support.js'

const test = suite('ports between two sites')

/** The ports to a peer, and what they tell. */
class Case {
  readonly told: unknown[] = []
  readonly ports = new Ports({
    post: (post) => this.told.push(post),
    broken: () => this.told.push('broken'),
    ended: () => this.told.push('ended'),
  })

  /** Returns the peer's end. */
  add(): Port {
    const { port1, port2 } = new MessageChannel()
    this.ports.add(messagePort(port1))
    return messagePort(port2)
  }

  async toldOf(...expected: unknown[]): Promise<void> {
    await eventually(() => this.told.length >= expected.length)
    assert.equal(this.told, expected)
  }
}

test('A3 what the peer said by any of its ports is heard before it has ended', async () => {
  const it = new Case()
  const first = it.add()
  const second = it.add()
  first.close()
  await it.toldOf('broken')
  assert.is(it.ports.sending, undefined)
  second.post(['an answer'])
  second.close()
  await it.toldOf('broken', ['an answer'], 'ended')
})

test(
  'who meets an actor in its restart waits until it can take messages',
  withSystem(async (system) => {
    const channel = new BroadcastChannel(lateChannel)
    let imports = 0
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- @types/node knows no other
    channel.onmessage = () => {
      imports++
    }
    try {
      const on = { thread: new URL('./fixtures/late-thread.js', import.meta.url) }
      const restart = { max: 1, withinMs: 60_000 }
      const spawned = system.spawn(Late, undefined, { on, restart })
      await eventually(() => imports === 1)
      channel.postMessage('go on')
      const late = await spawned
      const other = await system.spawn(
        Settler,
        {},
        { on: { thread: new URL('./fixtures/settler.js', import.meta.url) } },
      )
      void system.kill(late, { restart: true })
      await eventually(() => imports === 2)
      const answer = other.ask.askOther({ other: late as never, value: 'there' })
      // Were it introduced now, it would be here before this.
      for (let i = 0; i < 10; i++) await system.snapshot()
      channel.postMessage('go on')
      assert.is(await answer, 'there')
    } finally {
      channel.close()
    }
  }),
)

test.run()
