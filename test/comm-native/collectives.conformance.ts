import { seeded } from './random.js'
import { Cluster, rejection, withCluster, type Implementation } from './ranks.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

/** The suite that every implementation of a communicator passes. */
export function collectivesConformance(implementation: Implementation): void {
  const test = suite(`communicator, ${implementation}`)
  sums(test, implementation)
  failures(test, implementation)
  lifetimes(test, implementation)
  test.run()
}

type Suite = ReturnType<typeof suite>

function sums(test: Suite, implementation: Implementation): void {
  for (const ranks of [1, 2, 3, 4]) {
    for (const count of [0, 1, 17, 1_000_003]) {
      test(
        `C2 f32: ${ranks} ranks, ${count} elements, added in rank order, the same bits on all`,
        withCluster(implementation, { ranks, count }, async (cluster) => {
          const random = seeded(ranks * 31 + count)
          const expected = new Float32Array(count)
          cluster.members.forEach((_, rank) => {
            const part = cluster.f32(rank)
            for (let i = 0; i < count; i++) part[i] = random.normal() * 2 ** (random.next() * 20)
            for (let i = 0; i < count; i++)
              expected[i] = rank === 0 ? part[i] : expected[i] + part[i]
          })
          const done = cluster.communicator.allreduce(cluster.signature())
          await cluster.allReady()
          await done
          cluster.members.forEach((_, rank) => assert.ok(sameBits(cluster.f32(rank), expected)))
        }),
      )
    }
    test(
      `C1 i64: ${ranks} ranks, exact and wrapping`,
      withCluster(implementation, { ranks, count: 1003, dtype: 'i64' }, async (cluster) => {
        const random = seeded(ranks)
        const expected = new BigInt64Array(1003)
        cluster.members.forEach((_, rank) => {
          const part = cluster.i64(rank)
          for (let i = 0; i < part.length; i++) {
            part[i] = random.integer64()
            expected[i] += part[i]
          }
        })
        const done = cluster.communicator.allreduce(cluster.signature())
        await cluster.allReady()
        await done
        cluster.members.forEach((_, rank) => assert.ok(sameBits(cluster.i64(rank), expected)))
      }),
    )
  }
  test(
    'operations marked ahead of being issued run in sequence, each on its own range',
    withCluster(implementation, { ranks: 2, count: 30 }, async (cluster) => {
      cluster.f32(0).fill(1)
      cluster.f32(1).fill(2)
      const signatures = [0, 1, 2].map((sequence) =>
        cluster.signature(sequence, { offset: sequence * 10, count: 10 }),
      )
      for (const signature of signatures) {
        await cluster.members[0].call({ do: 'ready', signature })
      }
      const all = signatures.map((signature) => cluster.communicator.allreduce(signature))
      await cluster.members[1].call({ do: 'ready', signature: signatures[0] })
      await all[0]
      assert.equal([...cluster.f32(0)], [...Array(10).fill(3), ...Array(20).fill(1)])
      await cluster.members[1].call({ do: 'ready', signature: signatures[1] })
      await cluster.members[1].call({ do: 'ready', signature: signatures[2] })
      await Promise.all(all)
      assert.equal([...cluster.f32(1)], Array(30).fill(3))
    }),
  )
}

function failures(test: Suite, implementation: Implementation): void {
  const wrong = { count: 16, offset: 1, generation: 6, sequence: 1, dtype: 'i64' } as const
  for (const part of ['count', 'offset', 'generation', 'sequence', 'dtype'] as const) {
    test(
      `C3 a member that differs in ${part} is named to all, and no data moves`,
      withCluster(implementation, { ranks: 3 }, async (cluster) => {
        cluster.f32(0).fill(1)
        const failed = rejection(cluster.communicator.allreduce(cluster.signature()))
        const odd = cluster.signature(0, { [part]: wrong[part] })
        await cluster.members[0].call({ do: 'ready', signature: cluster.signature() })
        await cluster.members[1].call({ do: 'ready', signature: cluster.signature() })
        await cluster.members[2].call({ do: 'ready', signature: odd })
        const error = await failed
        assert.is(error.code, 'SIGNATURE_MISMATCH')
        assert.is(error.fields.differing.length, 1)
        assert.is(error.fields.differing[0].member, 'cpu:2')
        assert.equal(error.fields.differing[0].in, [part])
        for (const member of cluster.members) {
          assert.is(await member.call({ do: 'aborted' }), error.message)
        }
        assert.equal([...cluster.f32(1)], Array(17).fill(0))
      }),
    )
  }
  test(
    'C3 a leader that differs from all its members is the one named',
    withCluster(implementation, { ranks: 2 }, async (cluster) => {
      const failed = rejection(cluster.communicator.allreduce(cluster.signature(0, { count: 3 })))
      await cluster.allReady()
      assert.match((await failed).message, /the leader differs in count \(3, not 17\)/)
    }),
  )
  test(
    'C4 the deadline names the member that is missing',
    withCluster(implementation, { ranks: 3, deadlineMs: 60 }, async (cluster) => {
      await cluster.members[0].call({ do: 'ready', signature: cluster.signature() })
      await cluster.members[2].call({ do: 'ready', signature: cluster.signature() })
      const error = await rejection(cluster.communicator.allreduce(cluster.signature()))
      assert.is(error.code, 'DEADLINE_EXCEEDED')
      assert.equal(error.fields.missing, ['cpu:1'])
      assert.is(error.fields.phase, 'ready')
      assert.is(await cluster.members[0].call({ do: 'aborted' }), error.message)
    }),
  )
  test(
    'C4 a member that leaves fails the operation that waits for it, by name',
    withCluster(implementation, { ranks: 2 }, async (cluster) => {
      const failed = rejection(cluster.communicator.allreduce(cluster.signature()))
      await cluster.members[1].call({ do: 'leave' })
      const error = await failed
      assert.is(error.code, 'PEER_DOWN')
      assert.equal(error.fields.missing, ['cpu:1'])
    }),
  )
  test(
    'C4 after a failure later operations are refused with its cause',
    withCluster(implementation, { ranks: 1, deadlineMs: 20 }, async (cluster) => {
      const first = rejection(cluster.communicator.allreduce(cluster.signature(0)))
      const second = rejection(cluster.communicator.allreduce(cluster.signature(1)))
      assert.is((await first).code, 'DEADLINE_EXCEEDED')
      assert.is((await second).code, 'COMMUNICATOR_ABORTED')
      assert.is((await second).fields.cause, (await first).message)
      const third = await rejection(cluster.communicator.allreduce(cluster.signature(2)))
      assert.is(third.code, 'COMMUNICATOR_ABORTED')
    }),
  )
  test(
    'input that does not fit is refused before it is issued and harms nothing',
    withCluster(implementation, { ranks: 1 }, async (cluster) => {
      const { communicator } = cluster
      const outside = await rejection(communicator.allreduce(cluster.signature(0, { count: 18 })))
      assert.is(outside.code, 'BAD_ARGUMENT')
      assert.match(outside.message, /cpu:0/)
      const early = await rejection(communicator.allreduce(cluster.signature(1)))
      assert.is(early.code, 'BAD_ARGUMENT')
      const other = { op: 'max' as 'sum' }
      const unknown = await rejection(communicator.allreduce(cluster.signature(0, other)))
      assert.is(unknown.code, 'UNSUPPORTED_OP')
      const done = communicator.allreduce(cluster.signature())
      await cluster.allReady()
      await done
    }),
  )
}

function lifetimes(test: Suite, implementation: Implementation): void {
  test(
    'abort from another thread ends the wait with its cause',
    withCluster(implementation, { ranks: 2 }, async (cluster) => {
      const { communicator, members } = cluster
      const failed = rejection(communicator.allreduce(cluster.signature()))
      await members[0].call({ do: 'ready', signature: cluster.signature() })
      await members[1].call({ do: 'abort', ticket: communicator.ticket, cause: 'A test asked.' })
      const error = await failed
      assert.is(error.code, 'COMMUNICATOR_ABORTED')
      assert.is(error.fields.cause, 'A test asked.')
      communicator.abort('Too late: the first cause stays.')
      assert.is(await members[0].call({ do: 'aborted' }), 'A test asked.')
    }),
  )
  test(
    'stale and late calls after an abort are harmless',
    withCluster(implementation, { ranks: 2 }, async (cluster) => {
      const failed = rejection(cluster.communicator.allreduce(cluster.signature()))
      cluster.communicator.abort('Stop.')
      await failed
      await cluster.allReady()
      await cluster.communicator.dispose()
      await cluster.allReady(1)
      const { ticket } = cluster.communicator
      await cluster.members[0].call({ do: 'abort', ticket, cause: 'Late.' })
      await cluster.members[0].call({ do: 'leave' })
      await cluster.members[0].call({ do: 'leave' })
      assert.is(await cluster.members[1].call({ do: 'aborted' }), 'Stop.')
      const again = await rejection(cluster.communicator.allreduce(cluster.signature(1)))
      assert.is(again.code, 'COMMUNICATOR_ABORTED')
    }),
  )
  test(
    'a rank joins a generation once',
    withCluster(implementation, { ranks: 2 }, async (cluster) => {
      const { ticket } = cluster.communicator
      const error = await rejection(cluster.members[0].call({ do: 'join', ticket, rank: 1 }))
      assert.is(error.code, 'BAD_ARGUMENT')
      assert.match(error.message, /cpu:1 has already joined/)
    }),
  )
  test(
    'a rank that runs ahead without end is told so',
    withCluster(implementation, { ranks: 1 }, async (cluster) => {
      for (let sequence = 0; sequence < 256; sequence++) {
        await cluster.members[0].call({ do: 'ready', signature: cluster.signature(sequence) })
      }
      const error = await rejection(
        cluster.members[0].call({ do: 'ready', signature: cluster.signature(256) }),
      )
      assert.match(error.message, /256 operations ahead/)
    }),
  )
  for (const marked of [false, true]) {
    test(`C4 a rank whose thread ended ${marked ? 'after' : 'before'} marking: ${marked ? 'its part is summed' : 'it is named'}`, async () => {
      const cluster = await Cluster.open(implementation, {
        ranks: 2,
        deadlineMs: marked ? 20_000 : 300,
      })
      cluster.f32(0).fill(1)
      cluster.f32(1).fill(2)
      const signature = cluster.signature()
      if (marked) await cluster.members[1].call({ do: 'ready', signature })
      await cluster.members[1].terminate()
      const done = cluster.communicator.allreduce(signature)
      const settled = marked ? done : rejection(done)
      await cluster.members[0].call({ do: 'ready', signature })
      const error = await settled
      if (marked) assert.equal([...cluster.f32(0)], Array(17).fill(3))
      else assert.equal((error as { fields: any }).fields.missing, ['cpu:1'])
      await cluster.close()
    })
  }
}

function sameBits(one: Float32Array | BigInt64Array, other: Float32Array | BigInt64Array): boolean {
  const bytes = (view: Float32Array | BigInt64Array) =>
    Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  return bytes(one).equals(bytes(other))
}
