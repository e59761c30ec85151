import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { sameBits } from './bits.js'
import { seeded } from './random.js'
import { withCluster, type Cluster, type Implementation } from './ranks.js'

/** What a sum over all ranks gives, whoever carries it out. */
export function sumsConformance(implementation: Implementation): void {
  const test = suite(`sums, ${implementation}`)
  for (const ranks of [1, 2, 3, 4]) {
    // With more ranks it takes longer, but is no other.
    const large = depth({ cut: ranks === 3, full: true }) ? [1_000_003] : []
    for (const count of [0, 1, 17, ...large]) {
      test(
        `C2 f32: ${ranks} ranks, ${count} elements, added in rank order, the same bits on all`,
        withCluster(implementation, { ranks, count }, sumOfFloats),
      )
    }
    test(
      `C1 i64: ${ranks} ranks, exact and wrapping`,
      withCluster(implementation, { ranks, count: 1003, dtype: 'i64' }, sumOfIntegers),
    )
  }
  test(
    'operations marked ahead of being issued run in sequence, each on its own range',
    withCluster(implementation, { ranks: 2, count: 30 }, rangesInSequence),
  )
  test.run()
}

async function sumOfFloats(cluster: Cluster): Promise<void> {
  const { count, members, communicator } = cluster
  const random = seeded(members.length * 31 + count)
  const expected = new Float32Array(count)
  members.forEach((_, rank) => {
    const part = cluster.f32(rank)
    for (let i = 0; i < count; i++) part[i] = random.normal() * 2 ** (random.next() * 20)
    for (let i = 0; i < count; i++) expected[i] = rank === 0 ? part[i] : expected[i] + part[i]
  })
  const done = communicator.allreduce(cluster.signature())
  await cluster.allReady()
  await done
  members.forEach((_, rank) => assert.ok(sameBits(cluster.f32(rank), expected)))
}

async function sumOfIntegers(cluster: Cluster): Promise<void> {
  const { count, members, communicator } = cluster
  const random = seeded(members.length)
  const expected = new BigInt64Array(count)
  members.forEach((_, rank) => {
    const part = cluster.i64(rank)
    for (let i = 0; i < count; i++) {
      part[i] = random.integer64()
      expected[i] += part[i]
    }
  })
  const done = communicator.allreduce(cluster.signature())
  await cluster.allReady()
  await done
  members.forEach((_, rank) => assert.ok(sameBits(cluster.i64(rank), expected)))
}

async function rangesInSequence(cluster: Cluster): Promise<void> {
  const { communicator, members } = cluster
  cluster.f32(0).fill(1)
  cluster.f32(1).fill(2)
  const signatures = [0, 1, 2].map((sequence) =>
    cluster.signature(sequence, { offset: sequence * 10, count: 10 }),
  )
  for (const signature of signatures) await members[0].call({ do: 'ready', signature })
  const all = signatures.map((signature) => communicator.allreduce(signature))
  await members[1].call({ do: 'ready', signature: signatures[0] })
  await all[0]
  assert.equal([...cluster.f32(0)], [...Array<number>(10).fill(3), ...Array<number>(20).fill(1)])
  await members[1].call({ do: 'ready', signature: signatures[1] })
  await members[1].call({ do: 'ready', signature: signatures[2] })
  await Promise.all(all)
  assert.equal([...cluster.f32(1)], Array<number>(30).fill(3))
}
