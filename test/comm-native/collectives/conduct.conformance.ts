import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Case } from './case.js'
import {
  onAll,
  Shared,
  type Cluster,
  type Command,
  type Placement,
  type Report,
} from './cluster.js'
import { REFUSALS, type Refusal } from './refusals.js'

const GROUPS = [2, 1]

/** Small enough to be done in the caller's thread, if nobody is late. */
export const SUM: Case = {
  call: 'allreduce',
  op: 'sum',
  dtype: 'f32',
  elements: 1021,
  inPlace: false,
  root: 0,
  pattern: 'random',
  seed: 5,
  memory: 'shared',
}

/** What is refused harms nothing, and nobody need be punctual. */
export function conductConformance(placement: Placement): void {
  const test = suite(`collectives, conduct, ${placement.name}`)
  const shared = new Shared(placement, { groups: GROUPS })
  test.after(() => shared.close())
  test('C3 what does not fit is refused by everyone, and the next call works', () =>
    shared.within(allRefused))
  test('C3 what one rank alone got wrong, it may call again', () => shared.within(oneRefused))
  for (const inPlace of [true, false]) {
    for (const memory of ['shared', 'plain'] as const) {
      const given = { ...SUM, inPlace, memory }
      test(`C1, C2 a rank may be late, ${inPlace ? '' : 'not '}in place, ${memory} memory`, () =>
        shared.within((cluster) => late(cluster, given)))
    }
  }
  test('C1 a rank may be several calls late, and these are done in order', () =>
    shared.within(severalLate))
  test('a barrier waits for all', () => shared.within(barrier))
  test('C1 messages pass each other and collectives, in any order', () =>
    shared.within(interleaved))
  test.run()
}

async function allRefused(cluster: Cluster): Promise<void> {
  const refusals = Object.keys(REFUSALS) as Refusal[]
  const commands = refusals.flatMap<Command>((refusal) => [
    { do: 'refuse', refusal },
    { do: 'run', given: SUM },
  ])
  for (const reports of await onAll(cluster, commands)) {
    refusals.forEach((refusal, index) => {
      const [refused, next] = reports.slice(2 * index)
      assert.is(refused.failed?.code, REFUSALS[refusal], `${refusal}: ${refused.failed?.message}`)
      assert.is(next.failed, undefined, `after ${refusal}: ${next.failed?.message}`)
      assert.is(next.wrong, undefined, `after ${refusal}`)
    })
  }
}

async function oneRefused(cluster: Cluster): Promise<void> {
  const begun = [0, 2].map((rank) => cluster.ask(rank, [{ do: 'run', given: SUM }]))
  const refusals = Object.keys(REFUSALS) as Refusal[]
  const attempts = refusals.map((refusal) => ({ do: 'refuse', refusal }) as const)
  const own = await cluster.ask(1, [...attempts, { do: 'run', given: SUM }])
  allRight([own.at(-1)!, ...(await Promise.all(begun)).flat()])
}

/** Ranks 0 and 2 begin, and answer: their calls have let go of the threads. */
async function beginWithout1(cluster: Cluster, begin: readonly Command[]): Promise<void> {
  for (const reports of await Promise.all([0, 2].map((rank) => cluster.ask(rank, begin)))) {
    for (const { settled = false } of reports) assert.is(settled, false)
  }
}

function allRight(reports: readonly Report[]): void {
  for (const { failed, wrong } of reports) {
    assert.is(failed, undefined, failed?.message)
    assert.is(wrong, undefined, JSON.stringify(wrong))
  }
}

async function late(cluster: Cluster, given: Case): Promise<void> {
  await beginWithout1(cluster, [
    { do: 'start', key: 'late', given },
    { do: 'look', key: 'late' },
  ])
  const [own] = await cluster.ask(1, [{ do: 'run', given }])
  const others = [0, 2].map((rank) => cluster.ask(rank, [{ do: 'finish', key: 'late' }]))
  const reports = [own, ...(await Promise.all(others)).flat()]
  allRight(reports)
  for (const { digest } of reports) assert.is(digest, own.digest)
}

const SEVERAL: readonly Case[] = [
  SUM,
  { ...SUM, call: 'reduce', op: 'max', seed: 6, root: 1 },
  { ...SUM, call: 'allgather', pattern: 'bits', seed: 7 },
  { ...SUM, call: 'reduceScatter', dtype: 'bf16', seed: 8, elements: 60_000 },
  { ...SUM, call: 'allToAll', pattern: 'bits', inPlace: true, seed: 9, memory: 'plain' },
]

async function severalLate(cluster: Cluster): Promise<void> {
  const start = SEVERAL.map((given, key) => ({ do: 'start', key: String(key), given }) as const)
  const finish = SEVERAL.map((_, key) => ({ do: 'finish', key: String(key) }) as const)
  await beginWithout1(cluster, [...start, { do: 'look', key: '0' }, { do: 'look', key: '4' }])
  allRight(
    await cluster.ask(
      1,
      SEVERAL.map((given) => ({ do: 'run', given }) as const),
    ),
  )
  allRight((await Promise.all([0, 2].map((rank) => cluster.ask(rank, finish)))).flat())
}

async function barrier(cluster: Cluster): Promise<void> {
  const start = { do: 'barrier', key: 'b' } as const
  await beginWithout1(cluster, [start, { do: 'look', key: 'b' }])
  await cluster.ask(1, [start])
  allRight((await onAll(cluster, [{ do: 'finish', key: 'b' }])).flat())
}

async function interleaved(cluster: Cluster): Promise<void> {
  const start = (key: string, given: Case): Command => ({ do: 'start', key, given })
  const bits = { ...SUM, call: 'sendRecv', pattern: 'bits' } as const
  const first = start('first', { ...bits, seed: 10 })
  const second = start('second', { ...bits, seed: 11, elements: 40_000 })
  const sum = start('sum', SUM)
  const least = start('least', { ...SUM, op: 'min', elements: 50_000, inPlace: true })
  const orders = [
    [first, sum, second, least],
    [sum, least, first, second],
    [first, second, sum, least],
  ]
  await Promise.all(orders.map((commands, rank) => cluster.ask(rank, commands)))
  const finish = ['first', 'second', 'sum', 'least'].map((key) => ({ do: 'finish', key }) as const)
  for (const reports of await onAll(cluster, finish)) allRight(reports)
}
