import { messagePort } from '@kaitian/actors/internal'
import type { KaitianError } from '@kaitian/errors'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { received } from '../conformance/port.js'
import { Torn } from './fixtures/torn.js'
import { downOf, nextEvent, rejection, withSystem } from './support.js'

const test = suite('messages that cannot be read')

const on = { thread: new URL('./fixtures/torn.js', import.meta.url) }

test('a port that has missed a message closes, and says why', async () => {
  const { port1, port2 } = new MessageChannel()
  const far = messagePort(port1)
  const errors: KaitianError[] = []
  const near = messagePort(port2, (error) => errors.push(error))
  const [heard, ended] = [received(near), received(far)]
  const cause = new Error('torn')
  port2.emit('messageerror', cause)
  far.post('behind it')
  assert.equal(await heard, [])
  assert.equal(await ended, [])
  assert.equal(
    errors.map(({ code }) => code),
    ['FRAME_INVALID'],
  )
  assert.is(errors[0].cause, cause)
})

test(
  'A3 a thread that has missed a message ends, so that nobody waits for its answer',
  withSystem(async (system) => {
    const torn = await system.spawn(Torn, undefined, { on, restart: { max: 1, withinMs: 60_000 } })
    const failed = nextEvent(system, 'failed') as Promise<{ error: KaitianError }>
    const restarted = nextEvent(system, 'restarted')
    const lost = [torn.ask.tear(), torn.ask.echo(1)].map((ask) => rejection(ask, 'THREAD_EXITED'))
    await Promise.all(lost)
    assert.is(((await failed).error.cause as KaitianError).code, 'FRAME_INVALID')
    await restarted
    assert.is(await torn.ask.echo(2), 2)
    const down = downOf(system, torn)
    await rejection(torn.ask.tear(), 'THREAD_EXITED')
    assert.is((await down).reason, 'exited')
  }),
)

test.run()
