import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../../depth.js'
import { sizeOf, type Case } from './case.js'
import { onAll, Shared, within, type ClusterOptions, type Command, type Failed } from './cluster.js'
import { SUM } from './conduct.conformance.js'
import { runBatch } from './exactness.conformance.js'
import type { TcpCluster, TcpPlacement } from './tcp.js'

/** So many that it is far from its end when its beginning was heard of: 32 or 64 MiB. */
const MANY = depth({ cut: 2 ** 23, full: 2 ** 24 })
const LARGE: Case = { ...SUM, pattern: 'whole', elements: MANY, inPlace: true }
/** Long enough to prepare large calls on a busy machine. */
const DEADLINE_MS = 10_000
/** Long enough for small calls. */
const SHORT_MS = 5000
/** For what must fail at once. */
const LONG_MS = 600_000
/** A whole group is named by the others in 5/4 of the deadline; then all are told. */
const BUDGET_MS = 1.25 * DEADLINE_MS + 3000
/** How often a stopwatch looks. */
const LOOK_MS = 10
/** What a link may hold: the contributions, results and passes of its window. */
const LINK_BYTES = 3 * 16 * 256 * 1024

/** C3, C4, B3: what only groups that are processes can do to each other. */
export function processesConformance(placement: TcpPlacement): void {
  const test = suite(`collectives, groups, ${placement.name}`)
  const alone = (options: ClusterOptions, check: (cluster: TcpCluster) => Promise<void>) => () =>
    within(placement, options, check)
  const long = new Shared(placement, { groups: [2, 2, 1], deadlineMs: LONG_MS })
  const short = new Shared(placement, { groups: [2, 1, 1], deadlineMs: SHORT_MS })
  test.after(async () => {
    await long.close()
    await short.close()
  })
  const large = { groups: [2, 1, 1], deadlineMs: DEADLINE_MS }
  const single = { groups: [1, 1, 1], deadlineMs: LONG_MS }
  test('C3 a group that calls something else is named to all by its leader', () =>
    long.within(differs))
  test('C4 an abort crosses processes with its cause', () => long.within(aborted))
  test('C4 a rank that never comes is named to the other groups too', () =>
    short.within(oneIsMissing))
  test('C4 a group that never comes is named, all of it', () => short.within(allAreMissing))
  test('C4 a process is killed in a large call: the others go on without it', alone(large, killed))
  test('C4 a process stalls in a large call, and is late for nothing but it', alone(large, stalled))
  test('B3 links hold no more than their windows, however large a call is', alone(single, bounded))
  test.run()
}

const start = (given: Case): Command => ({ do: 'start', key: 'call', given })

async function begin(cluster: TcpCluster, ranks: readonly number[], given: Case): Promise<void> {
  await Promise.all(ranks.map((rank) => cluster.ask(rank, [start(given)])))
}

async function failures(cluster: TcpCluster, ranks: readonly number[]): Promise<Failed[]> {
  const finish = [{ do: 'finish', key: 'call' }] as const
  const reports = await Promise.all(ranks.map((rank) => cluster.ask(rank, finish)))
  return reports.map(([{ failed }], index) => {
    if (failed === undefined) throw new Error(`the call of rank ${ranks[index]} did not fail`)
    return failed
  })
}

async function goOn(cluster: TcpCluster, groups: readonly number[]): Promise<void> {
  await cluster.renew()
  assert.equal(cluster.groups, groups)
  await runBatch(cluster, [SUM, { ...SUM, inPlace: true, elements: 1_000_000 }])
}

async function differs(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [0, 1, 4], SUM)
  await begin(cluster, [2, 3], { ...SUM, op: 'max' })
  for (const { code, message, fields } of await failures(cluster, [0, 1, 2, 3, 4])) {
    assert.is(code, 'SIGNATURE_MISMATCH', message)
    assert.match(message, 'the leader of group 1 differs in op')
    const differing = fields['differing'] as { member: string; rank: number; in: string[] }[]
    assert.equal(
      differing.map(({ member, rank, in: parts }) => ({ member, rank, parts })),
      [{ member: 'the leader of group 1', rank: -2, parts: ['op'] }],
    )
  }
  await goOn(cluster, [2, 2, 1])
}

/** Its own group knows who it is first, and tells the others before they give up. */
async function oneIsMissing(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [0, 2, 3], SUM)
  await missing(cluster, [0, 2, 3], ['cpu:1'])
  await goOn(cluster, [2, 1, 1])
}

async function allAreMissing(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [2, 3], SUM)
  await missing(cluster, [2, 3], ['cpu:0', 'cpu:1'])
  await goOn(cluster, [2, 1, 1])
}

async function missing(
  cluster: TcpCluster,
  ranks: readonly number[],
  names: readonly string[],
): Promise<void> {
  for (const { code, message, fields } of await failures(cluster, ranks)) {
    assert.is(code, 'DEADLINE_EXCEEDED', message)
    assert.equal(fields['missing'], names, message)
    for (const name of names) assert.match(message, name)
  }
}

async function aborted(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [0, 2, 4], SUM)
  await cluster.abort('The operator has had enough.')
  for (const { code, message, fields } of await failures(cluster, [0, 2, 4])) {
    assert.is(code, 'COMMUNICATOR_ABORTED', message)
    assert.is(fields['cause'], 'The operator has had enough.')
  }
  await goOn(cluster, [2, 2, 1])
}

/** What became of the survivors of the last group, and that it became of them in time. */
async function lostInTime(cluster: TcpCluster, stopwatch: Stopwatch): Promise<void> {
  const codes = await failures(cluster, [0, 1, 2])
  const took = stopwatch.stop()
  assert.ok(took < BUDGET_MS, `it took ${took.toFixed(0)} ms`)
  for (const { code, message, fields } of codes) {
    assert.ok(['LINK_LOST', 'DEADLINE_EXCEEDED'].includes(code), `${code}: ${message}`)
    if (code === 'LINK_LOST') assert.is(fields['group'], 2, message)
    else assert.equal(fields['missing'], ['cpu:3'], message)
  }
}

async function killed(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [0, 1, 2, 3], LARGE)
  const stopwatch = new Stopwatch()
  await cluster.kill(2)
  await lostInTime(cluster, stopwatch)
  await goOn(cluster, [2, 1])
}

/** Its late frames are of a generation that is over. */
async function stalled(cluster: TcpCluster): Promise<void> {
  await begin(cluster, [0, 1, 2, 3], LARGE)
  const stopwatch = new Stopwatch()
  cluster.stall(2)
  await lostInTime(cluster, stopwatch)
  await goOn(cluster, [2, 1])
  cluster.resume(2)
  // These come while it still says what it had to say.
  await runBatch(cluster, [{ ...SUM, elements: 1_000_000 }, SUM])
  await goOn(cluster, [2, 1, 1])
}

async function bounded(cluster: TcpCluster): Promise<void> {
  const calls = depth({ cut: ['allreduce'] as const, full: ['allreduce', 'allToAll'] as const })
  for (const call of calls) {
    const pattern = call === 'allreduce' ? 'whole' : 'bits'
    // oxlint-disable-next-line no-await-in-loop
    await begin(cluster, ranksOf(cluster), { ...LARGE, call, pattern, inPlace: false })
    // oxlint-disable-next-line no-await-in-loop
    const reports = await onAll(cluster, [{ do: 'finish', key: 'call' }])
    for (const [{ failed, wrong }] of reports) {
      assert.is(failed, undefined, failed?.message)
      assert.is(wrong, undefined, JSON.stringify(wrong))
    }
  }
  const peaks = await cluster.peaks()
  assert.is(peaks.length, 6)
  assert.ok(Math.max(...peaks) > 0, 'nothing has gone over the links')
  assert.ok(Math.max(...peaks) <= LINK_BYTES, `${Math.max(...peaks)} bytes were held`)
}

function ranksOf({ groups }: TcpCluster): number[] {
  return Array.from({ length: sizeOf(groups) }, (_, rank) => rank)
}

/** What passes while this process gets its turns: time in which it waits for a processor does not count. */
class Stopwatch {
  #passedMs = 0
  #last = performance.now()
  readonly #timer = setInterval(() => {
    const now = performance.now()
    this.#passedMs += Math.min(now - this.#last, 2 * LOOK_MS)
    this.#last = now
  }, LOOK_MS)

  stop(): number {
    clearInterval(this.#timer)
    return this.#passedMs
  }
}
