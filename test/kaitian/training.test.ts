import { virtualClock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { Training } from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeRuntime, type FakeScript } from './fake-runtime.js'

const test = suite('training')

function start(script: FakeScript = {}) {
  const clock = virtualClock()
  const runtime = new FakeRuntime(script)
  const training = new Training(async () => runtime, clock)
  return { clock, runtime, training }
}

function rejection(promise: Promise<unknown>): Promise<KaitianError> {
  return promise.then(
    () => assert.unreachable('it resolved'),
    (error: KaitianError) => error,
  ) as Promise<KaitianError>
}

test('events arrive in order and the summary at the end; then everything is closed', async () => {
  const { runtime, training } = start({ epochs: 1, steps: 2 })
  const seen: string[] = []
  for (const name of ['ready', 'generation', 'step', 'epoch', 'end'] as const) {
    training.events.on(name, () => seen.push(name))
  }
  const summary = await training.finished
  assert.is(summary.outcome, 'finished')
  assert.equal(seen, ['ready', 'generation', 'step', 'step', 'epoch', 'end'])
  assert.equal(runtime.calls, ['open', 'close', 'dispose'])
})

test('stop ends after the step under way', async () => {
  const { runtime, training } = start({ steps: 1000 })
  await new Promise<void>((resolve) => training.events.once('step', () => resolve()))
  const summary = await training.stop()
  assert.is(summary.outcome, 'stopped')
  assert.ok(summary.steps < 10)
  assert.is(runtime.calls.at(-1), 'dispose')
})

test('stop before the first step cancels, and nothing is left', async () => {
  const { runtime, training } = start()
  assert.is((await rejection(training.stop())).code, 'CANCELLED')
  assert.is(runtime.calls.at(-1), 'dispose')
  assert.not(runtime.calls.includes('stop'))
})

test('a run that cannot open rejects with its own error and is disposed of', async () => {
  const refuse = new KaitianError('BAD_TASK', 'No default export.')
  const { runtime, training } = start({ refuse })
  assert.is(await rejection(training.finished), refuse)
  assert.is(runtime.calls.at(-1), 'dispose')
})

for (const [what, code, message] of [
  ['a file', 'EMFILE', 'EMFILE: too many open files'],
  ['a thread', 'ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EMFILE'],
]) {
  test(`a lack of open files is named, where ${what} could not be opened for it`, async () => {
    const cause = Object.assign(new Error(message), { code })
    const refuse = new KaitianError('SPAWN_FAILED', 'It did not start.', { cause })
    const error = await rejection(start({ refuse }).training.finished)
    assert.is(error.code, 'TOO_MANY_OPEN_FILES')
    assert.is(error.cause, refuse)
  })
}

test('a thread that does not start for another reason keeps its own error', async () => {
  const cause = Object.assign(new Error('Worker initialization failure: EINVAL'), {
    code: 'ERR_WORKER_INIT_FAILED',
  })
  const refuse = new KaitianError('SPAWN_FAILED', 'It did not start.', { cause })
  assert.is(await rejection(start({ refuse }).training.finished), refuse)
})

test('a runtime that cannot be opened rejects, also for kill and slow', async () => {
  const error = new KaitianError('THREAD_EXITED', 'gone')
  const training = new Training(() => Promise.reject(error), virtualClock())
  assert.is(await rejection(training.finished), error)
  assert.is(await rejection(training.kill('cpu:0')), error)
})

test('a failure in mid-run is an outcome, with its error', async () => {
  const { training } = start({ failAfter: 3 })
  const { outcome, error, steps } = await training.finished
  assert.equal([outcome, error?.code, steps], ['failed', 'NO_DEVICES_LEFT', 3])
})

test('a run that writes files has half a minute for them, and the usual time after that', async () => {
  for (const told of [false, true]) {
    const clock = virtualClock()
    const runtime = new FakeRuntime({ steps: 1, deaf: true })
    const training = new Training(async () => runtime, clock, true)
    training.finished.catch(() => {})
    await new Promise<void>((resolve) => training.events.once('step', () => resolve()))
    let isClosed = false
    const closed = training.close().then(() => (isClosed = true))
    await clock.advance(told ? 20_000 : 31_000)
    assert.not(isClosed)
    // All that is written has been written by then.
    if (told) training.events.emit('end', {} as never)
    await clock.advance(told ? 1100 : 100)
    assert.not(isClosed)
    await clock.advance(200)
    await closed
    assert.is((await rejection(training.finished)).code, 'CANCELLED')
  }
})

test('faults reach the runtime and are told as events', async () => {
  const { runtime, training } = start({ steps: 50 })
  const faults: string[] = []
  training.events.on('fault', ({ kind, device }) => faults.push(`${kind} ${device}`))
  await training.slow('cpu:1', 2)
  await training.kill('cpu:1')
  await training.finished
  assert.equal(faults, ['killed cpu:1'])
  assert.ok(runtime.calls.includes('slow cpu:1 2'))
})

test('a fault that makes no sense is refused, and so is one after the end', async () => {
  const { runtime, training } = start({ steps: 50 })
  for (const factor of [0.5, -1, NaN, Infinity]) {
    assert.is((await rejection(training.slow('cpu:1', factor))).code, 'BAD_ARGUMENT', `${factor}`)
  }
  await training.finished
  assert.is((await rejection(training.kill('cpu:1'))).code, 'SYSTEM_STOPPED')
  assert.equal(runtime.calls, ['open', 'close', 'dispose'])
})

test('closing ends a run that does not hear, after the grace period', async () => {
  const { clock, runtime, training } = start({ deaf: true, steps: 1 })
  await new Promise<void>((resolve) => training.events.once('step', () => resolve()))
  const closed = training.close()
  await clock.advance(1199)
  assert.not(runtime.calls.includes('dispose'))
  await clock.advance(1)
  await closed
  assert.is(runtime.calls.at(-1), 'dispose')
  assert.is((await rejection(training.finished)).code, 'CANCELLED')
  assert.is(clock.pending, 0)
})

test('closing a finished run does nothing more, by either name', async () => {
  const { clock, runtime, training } = start()
  await training.finished
  const calls = runtime.calls.length
  await training.close()
  await training[Symbol.asyncDispose]()
  assert.is(runtime.calls.length, calls)
  assert.is(clock.pending, 0)
})

test.run()
