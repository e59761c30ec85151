import type { Emit as Send } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { sending, type StepEvent, type TrainEvents } from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('sending')

function open() {
  const sent: [string, { committed?: number; skipped?: number }][] = []
  let read = 0
  const send: Send = Object.assign(
    (name: string, payload: unknown) => void sent.push([name, payload as (typeof sent)[number][1]]),
    { unread: () => sent.length - read },
  )
  const emit = sending(send)
  let committed = 0
  return {
    sent,
    emit,
    step: (times: number) => {
      for (let n = 0; n < times; n++) emit('step', { committed: ++committed } as StepEvent)
    },
    readAll: () => void (read = sent.length),
  }
}

test('a reader who keeps up is told every step', () => {
  const { sent, step, readAll } = open()
  for (let n = 0; n < 3000; n++) {
    step(1)
    readAll()
  }
  assert.is(sent.length, 3000)
  assert.not(sent.some(([, { skipped }]) => skipped !== undefined))
})

test('one who does not is told the latest step and how many are missing, and all that is no step', () => {
  const { sent, emit, step, readAll } = open()
  step(100_000)
  assert.is(sent.length, 1024)
  const fault: TrainEvents['fault'] = { kind: 'aborted', message: 'why' }
  emit('fault', fault)
  emit('fault', fault)
  const told = (from: number) =>
    sent.slice(from).map(([name, { committed, skipped }]) => [name, committed, skipped])
  assert.equal(told(1024), [
    ['step', 100_000, 98_975],
    ['fault', undefined, undefined],
    ['fault', undefined, undefined],
  ])
  step(5)
  readAll()
  step(2)
  assert.equal(told(1027), [
    ['step', 100_006, 5],
    ['step', 100_007, undefined],
  ])
  const steps = sent.filter(([name]) => name === 'step')
  const accounted = steps.reduce((sum, [, { skipped = 0 }]) => sum + 1 + skipped, 0)
  assert.is(accounted, 100_007)
})

test('the end carries its error as a record, whatever is in it', () => {
  const { sent, emit } = open()
  const cause = Object.assign(new Error('why'), { callback: () => {} })
  const error = new KaitianError('INTERNAL', 'what', { cause, fields: { a: 1 } })
  emit('end', { outcome: 'failed', error } as TrainEvents['end'])
  const again = KaitianError.fromRecord(structuredClone(sent[0][1] as { error: never }).error)
  assert.equal(
    [again.code, again.fields, (again.cause as Error).message],
    ['INTERNAL', { a: 1 }, 'why'],
  )
})

test.run()
