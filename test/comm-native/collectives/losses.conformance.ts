import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Case } from './case.js'
import {
  Shared,
  within,
  type Cluster,
  type Command,
  type Failed,
  type Placement,
} from './cluster.js'
import { SUM } from './conduct.conformance.js'
import { runBatch } from './exactness.conformance.js'

const GROUPS = [2, 1]
/** Long enough for all to come who mean to, on a busy machine. */
const SHORT_MS = 5000
/** What should fail before, or not at all, never takes so long. */
const LONG_MS = 600_000

/** In what rank 1 may differ from the others, and how. */
const DIFFERENCES: Readonly<Record<string, Partial<Case>>> = {
  collective: { call: 'broadcast' },
  op: { op: 'max' },
  dtype: { dtype: 'i32' },
  count: { elements: 1020 },
}

/** C3, C4: how calls fail: by name, on everybody; and what is left goes on. */
export function lossesConformance(placement: Placement): void {
  const test = suite(`collectives, losses, ${placement.name}`)
  const shared = new Shared(placement, { groups: GROUPS, deadlineMs: LONG_MS })
  test.after(() => shared.close())
  for (const [what, difference] of Object.entries(DIFFERENCES)) {
    test(`C3 a rank that differs in its ${what} is named to all`, () =>
      shared.within((cluster) => differs(cluster, what, SUM, { ...SUM, ...difference })))
  }
  const rooted = { ...SUM, call: 'broadcast', pattern: 'bits' } as const
  test('C3 a rank that has another root is named to all', () =>
    shared.within((cluster) => differs(cluster, 'root', rooted, { ...rooted, root: 1 })))
  test('C4 a rank that never comes is named when the deadline passes', () =>
    within(placement, { groups: GROUPS, deadlineMs: SHORT_MS }, neverComes))
  test('C4 a rank that has left is named', () => shared.within(leaves))
  test('C4 one abort from outside ends all calls, and those to come', () => shared.within(aborted))
  for (const groups of placement.losses) {
    const alone = { groups, deadlineMs: LONG_MS }
    const shape = `groups of ${groups.join(' + ')}`
    test(`C4 a rank ends before its call: the others hear of it and go on without it, ${shape}`, () =>
      within(placement, alone, (cluster) => endsBefore(cluster, placement)))
    test(`C4 a rank ends between calls and in them: the others go on without it, ${shape}`, () =>
      within(placement, alone, (cluster) => endsWithin(cluster, placement)))
  }
  test.run()
}

const start = (given: Case): Command => ({ do: 'start', key: 'call', given })
const FINISH: readonly Command[] = [{ do: 'finish', key: 'call' }]

async function begin(cluster: Cluster, ranks: readonly number[], given: Case): Promise<void> {
  await Promise.all(ranks.map((rank) => cluster.ask(rank, [start(given)])))
}

/** What the calls of these ranks failed with. */
async function failures(cluster: Cluster, ranks: readonly number[]): Promise<Failed[]> {
  const reports = await Promise.all(ranks.map((rank) => cluster.ask(rank, FINISH)))
  return reports.map(([{ failed }], index) => {
    if (failed === undefined) throw new Error(`the call of rank ${ranks[index]} did not fail`)
    return failed
  })
}

/** A communicator that failed is over; the next one works. */
async function goOn(cluster: Cluster): Promise<void> {
  await cluster.renew()
  await runBatch(cluster, [SUM, { ...SUM, inPlace: true, elements: 100_000 }])
}

async function differs(cluster: Cluster, what: string, given: Case, odd: Case): Promise<void> {
  await begin(cluster, [0, 2], given)
  await begin(cluster, [1], odd)
  for (const { code, message, fields } of await failures(cluster, [0, 1, 2])) {
    assert.is(code, 'SIGNATURE_MISMATCH', message)
    const [{ member, in: parts }, ...others] = fields['differing'] as {
      member: string
      in: string[]
    }[]
    assert.is(member, cluster.members[1])
    assert.ok(parts.includes(what), `${what}: ${parts.join(', ')}`)
    assert.is(others.length, 0)
    assert.match(message, cluster.members[1])
  }
  await goOn(cluster)
}

async function neverComes(cluster: Cluster): Promise<void> {
  await begin(cluster, [0, 2], SUM)
  for (const { code, message, fields } of await failures(cluster, [0, 2])) {
    assert.is(code, 'DEADLINE_EXCEEDED', message)
    assert.equal(fields['missing'], [cluster.members[1]])
    assert.match(message, cluster.members[1])
  }
  await goOn(cluster)
}

async function leaves(cluster: Cluster): Promise<void> {
  await begin(cluster, [0, 2], SUM)
  await cluster.ask(1, [{ do: 'leave' }])
  await goneIsNamed(cluster, [0, 2], ['PEER_DOWN'])
  await goOn(cluster)
}

async function goneIsNamed(
  cluster: Cluster,
  ranks: readonly number[],
  codes: readonly string[],
): Promise<void> {
  for (const { code, message, fields } of await failures(cluster, ranks)) {
    assert.ok(codes.includes(code), `${code}: ${message}`)
    if (code === 'PEER_DOWN') assert.equal(fields['missing'], [cluster.members[1]])
  }
}

async function aborted(cluster: Cluster): Promise<void> {
  await begin(cluster, [0, 2], SUM)
  await cluster.abort('The operator has had enough.')
  for (const { code, message } of await failures(cluster, [0, 2])) {
    assert.is(code, 'COMMUNICATOR_ABORTED', message)
    assert.match(message, /The operator has had enough\./)
  }
  const [{ failed }] = await cluster.ask(1, [{ do: 'run', given: SUM }])
  assert.is(failed?.code, 'COMMUNICATOR_ABORTED')
  await goOn(cluster)
}

async function endsBefore(cluster: Cluster, { lost }: Placement): Promise<void> {
  await begin(cluster, [0, 2], SUM)
  await cluster.end(1)
  await goneIsNamed(cluster, [0, 2], lost)
  await goOn(cluster)
}

/** However far the rank has come, and in however large a call. */
async function endsWithin(cluster: Cluster, { lost }: Placement): Promise<void> {
  const given = { ...SUM, elements: 300_000, pattern: 'whole' } as const
  const repeat = [{ do: 'repeat', key: 'call', given }] as const
  await Promise.all([0, 1, 2].map((rank) => cluster.ask(rank, repeat)))
  await cluster.end(1)
  await goneIsNamed(cluster, [0, 2], lost)
  await goOn(cluster)
}
