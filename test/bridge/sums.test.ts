import { seededRandom } from '@kaitian/actors'
import { loadBackend, type Communicator, type Membership } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whenNative } from '../comm-native/conformance.js'
import { Proxy } from './proxy.js'
import { addresses, Cluster, turns, until, type End } from './support.js'

const GROUPS = ['a', 'b', 'c']
const MEMBERS = GROUPS.map((group) => `${group}:0`)
const ELEMENTS = 100_003
const CALLS = 40

/** One group of one device, as a leader and its device have it. */
interface Group {
  readonly end: End
  readonly communicator: Communicator
  readonly member: Membership
}

/** What a rank gives in a call: whole numbers, so that any order of summing is exact. */
function valueOf(rank: number, call: number, index: number): number {
  return (rank + 1) * ((index * 7 + call * 13) % 1009)
}

/** Every rank's calls, one after the other; each result is compared as a whole. */
async function sums({ member }: Group): Promise<void> {
  const data = new Float32Array(ELEMENTS)
  for (let call = 0; call < CALLS; call++) {
    for (let i = 0; i < ELEMENTS; i++) data[i] = valueOf(member.rank, call, i)
    // oxlint-disable-next-line no-await-in-loop
    await member.allreduce({ send: data })
    const wrong = data.findIndex((sum, i) => sum !== 6 * valueOf(0, call, i))
    assert.is(wrong, -1, `call ${call}: rank ${member.rank} has ${data[wrong]} at ${wrong}`)
  }
}

function begin(end: End, at: number): Group {
  const backend = loadBackend('native')
  const trunks = GROUPS.map((group, other) => (other === at ? undefined : end.peering.trunk(group)))
  const communicator = backend.createCommunicator({
    generation: 1,
    members: MEMBERS,
    groups: GROUPS.map(() => 1),
    deadlineMs: 60_000,
    span: { group: at, trunks },
  })
  return { end, communicator, member: backend.joinCommunicator(communicator.ticket, at) }
}

/** Links that break again and again, after as many bytes as the seed says. */
async function throughCuts(seed: number): Promise<void> {
  const random = seededRandom('sums through cuts', seed)
  await using cluster = new Cluster()
  const ends = await Promise.all(GROUPS.map((group) => cluster.open(group, GROUPS)))
  // The later group dials the earlier one.
  await using toA = await Proxy.open(ends[0].peering.address)
  await using toB = await Proxy.open(ends[1].peering.address)
  const proxies = [toA, toB]
  const through = proxies.map(({ address }, at) => ({ group: GROUPS[at], ...address }))
  await Promise.all(ends.map(({ peering }) => peering.connect([...through, ...addresses(ends[2])])))
  for (const proxy of proxies) {
    proxy.cuts = Array.from({ length: 30 }, () => 1 + random.integer(2_000_000))
    proxy.cutAll()
  }
  const groups = ends.map(begin)
  const progress = { ended: false }
  const summed = Promise.all(groups.map(sums)).finally(() => (progress.ended = true))
  // The waits between dials pass quicker than they would.
  while (!progress.ended) {
    // oxlint-disable-next-line no-await-in-loop
    await cluster.clock.advance(20).then(() => turns(20))
  }
  await summed
  const losses = ends.map(({ lost }) => lost.length)
  assert.ok(Math.min(...losses) >= 5, `links lost while the groups summed: ${losses.join()}`)
  for (const { member } of groups) member.leave()
  await Promise.all(groups.map(({ communicator }) => communicator.dispose()))
  await until('all are told', () => groups.every(({ member }) => member.aborted !== undefined))
}

whenNative(() => {
  const test = suite('sums over links that break')
  for (const seed of [1, 2, 3]) {
    test(`C5 B1 every sum is exact, seed ${seed}`, () => throughCuts(seed))
  }
  test.run()
})
