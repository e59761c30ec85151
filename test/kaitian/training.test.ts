import { getEventListeners } from 'node:events'
import { virtualClock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { Training, type TrainingSetting } from 'kaitian/testing'
import type { RunSummary } from 'kaitian'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeRuntime, type FakeScript } from './fake-runtime.js'

const test = suite('training')

function start(script: FakeScript = {}, setting: TrainingSetting = {}) {
  const clock = virtualClock()
  const runtime = new FakeRuntime(script)
  const training = new Training(async () => runtime, { clock, ...setting })
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

test('stop before the first step is the same end, and nothing is left', async () => {
  const { clock, runtime, training } = start({}, { files: { save: 'w', record: 'r' } })
  const ends: RunSummary[] = []
  training.events.on('end', (summary) => ends.push(summary))
  const summary = await training.stop()
  const { outcome, error, steps, samples, epochs, digests, save, recordFolder } = summary
  assert.equal([outcome, error, steps, samples, epochs], ['stopped', undefined, 0, 0, []])
  assert.equal([digests, recordFolder], [{}, undefined])
  assert.equal(save, { file: 'w', written: false, reason: 'no step was committed' })
  assert.equal(runtime.calls, ['close', 'dispose'])
  assert.equal(ends, [summary])
  assert.is(clock.pending, 0)
})

test('stop while devices start ends in good order, and by force when that takes too long', async () => {
  for (const deaf of [false, true]) {
    const { clock, runtime, training } = start({ slow: true, deaf })
    await new Promise<void>((resolve) => setImmediate(resolve))
    assert.equal(runtime.calls, ['open'])
    const stopped = training.stop()
    await clock.advance(deaf ? 1200 : 0)
    assert.is((await stopped).outcome, 'stopped')
    assert.equal(runtime.calls, ['open', 'close', 'dispose'])
    assert.is(clock.pending, 0)
  }
})

test('a thread that does not come up is given up a while after the stop', async () => {
  const clock = virtualClock()
  const opening = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const training = new Training(opening, { clock })
  const closed = training.close()
  await clock.advance(1200)
  await closed
  assert.is((await training.finished).outcome, 'stopped')
})

test('a signal stops the run, and is not listened to after the end', async () => {
  const before = new AbortController()
  before.abort()
  let isOpened = false
  const open = async (): Promise<FakeRuntime> => {
    isOpened = true
    return new FakeRuntime()
  }
  const never = new Training(open, { signal: before.signal })
  const ends: string[] = []
  never.events.on('end', ({ outcome }) => ends.push(outcome))
  assert.is((await never.finished).outcome, 'stopped')
  assert.equal([isOpened, ends], [false, ['stopped']])
  assert.is((await rejection(never.kill('cpu:0'))).code, 'SYSTEM_STOPPED')
  await never.close()

  for (const steps of [1000, 1]) {
    const during = new AbortController()
    const { runtime, training } = start({ steps }, { signal: during.signal })
    assert.is(getEventListeners(during.signal, 'abort').length, 1)
    training.events.once('step', () => steps > 1 && during.abort())
    assert.is((await training.finished).outcome, steps > 1 ? 'stopped' : 'finished')
    assert.is(runtime.calls.includes('stop'), steps > 1)
    assert.is(getEventListeners(during.signal, 'abort').length, 0)
  }
})

test('a run that cannot open fails with its own error and is disposed of', async () => {
  const refuse = new KaitianError('BAD_TASK', 'No default export.')
  const { runtime, training } = start({ refuse })
  const told: unknown[] = []
  training.events.on('error', (error) => told.push('error', error))
  training.events.on('end', (summary) => told.push('end', summary))
  const summary = await training.finished
  assert.equal([summary.outcome, summary.steps, summary.generations], ['failed', 0, 0])
  assert.is(summary.error, refuse)
  assert.equal(told, ['error', refuse, 'end', summary])
  assert.is(runtime.calls.at(-1), 'dispose')
})

test('a run whose thread dies has a summary of what it told', async () => {
  const { training } = start({ dieAfter: 7 }, { files: { save: 'w', record: 'r' } })
  const { outcome, error, steps, samples, epochs, generations, save, recordFolder } =
    await training.finished
  assert.equal([outcome, error?.code], ['failed', 'THREAD_EXITED'])
  assert.match(error?.message ?? '', /^The thread of the run ended .*heap/)
  assert.equal([steps, samples, epochs.length, generations], [7, 448, 1, 1])
  assert.equal([save?.written, save?.reason, recordFolder], [false, error?.message, 'r'])
})

test('what a listener throws is the program’s own uncaught error; the run goes on', async () => {
  const { training } = start()
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const thrown: unknown[] = []
  process.on('uncaughtException', (error) => thrown.push(error))
  training.events.on('end', () => {
    throw new Error('a bug')
  })
  assert.is((await training.finished).outcome, 'finished')
  await new Promise<void>((resolve) => setImmediate(resolve))
  process.removeAllListeners('uncaughtException')
  for (const listener of listeners) process.on('uncaughtException', listener)
  assert.match(String(thrown), 'a bug')
  assert.is(thrown.length, 1)
})

for (const [what, code, message] of [
  ['a file', 'EMFILE', 'EMFILE: too many open files'],
  ['a thread', 'ERR_WORKER_INIT_FAILED', 'Worker initialization failure: EMFILE'],
]) {
  test(`a lack of open files is named, where ${what} could not be opened for it`, async () => {
    const cause = Object.assign(new Error(message), { code })
    const refuse = new KaitianError('SPAWN_FAILED', 'It did not start.', { cause })
    const { error } = await start({ refuse }).training.finished
    assert.is(error?.code, 'TOO_MANY_OPEN_FILES')
    assert.is(error?.cause, refuse)
  })
}

test('a thread that does not start for another reason keeps its own error', async () => {
  const cause = Object.assign(new Error('Worker initialization failure: EINVAL'), {
    code: 'ERR_WORKER_INIT_FAILED',
  })
  const refuse = new KaitianError('SPAWN_FAILED', 'It did not start.', { cause })
  assert.is((await start({ refuse }).training.finished).error, refuse)
})

test('a runtime that cannot be opened is the end, and kill and slow reject', async () => {
  const error = new KaitianError('SPAWN_FAILED', 'gone')
  const training = new Training(() => Promise.reject(error), { clock: virtualClock() })
  assert.is(await rejection(training.kill('cpu:0')), error)
  assert.is((await training.finished).error, error)
  assert.is((await training.stop()).outcome, 'failed')
})

test('a failure in mid-run is an outcome, with its error', async () => {
  // Nobody listens to `error`, which must not throw.
  const { training } = start({ failAfter: 3 })
  const { outcome, error, steps } = await training.finished
  assert.equal([outcome, error?.code, steps], ['failed', 'NO_DEVICES_LEFT', 3])
  assert.instance(error, KaitianError)
  assert.equal(error?.fields, { devices: [] })
  const { message } = error!.cause as Error
  assert.is(message, 'the last one was killed')
})

test('a run that writes files has half a minute for them, and the usual time after that', async () => {
  for (const told of [false, true]) {
    const clock = virtualClock()
    const runtime = new FakeRuntime({ steps: 1, deaf: true })
    const training = new Training(async () => runtime, { clock, files: { save: 'w' } })
    await new Promise<void>((resolve) => training.events.once('step', () => resolve()))
    let isClosed = false
    const closed = training.close().then(() => (isClosed = true))
    await clock.advance(told ? 20_000 : 31_000)
    assert.not(isClosed)
    // All that is written has been written by then.
    if (told) runtime.events.emit('end', { outcome: 'stopped' } as never)
    await clock.advance(told ? 1100 : 100)
    assert.not(isClosed)
    await clock.advance(200)
    await closed
    const { outcome, save } = await training.finished
    assert.is(outcome, 'stopped')
    if (!told) assert.equal(save, { file: 'w', written: false, reason: 'there was no time' })
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
  const { outcome, steps } = await training.finished
  assert.equal([outcome, steps], ['stopped', 1])
  assert.is(clock.pending, 0)
})

test('closing is one thing, however often and whenever it is asked for', async () => {
  const { clock, runtime, training } = start({ steps: 1000 })
  const first = training.close()
  await Promise.all([first, training.close(), training[Symbol.asyncDispose]()])
  assert.equal(runtime.calls, ['close', 'dispose'])
  await training.close()
  assert.is((await training.stop()).outcome, 'stopped')
  assert.equal(runtime.calls, ['close', 'dispose'])
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
