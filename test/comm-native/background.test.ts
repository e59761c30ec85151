import { loadBackend, type CommBackend, type Membership } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection, type Implementation } from './ranks.js'

const COUNT = 1000

interface Members {
  readonly backend: CommBackend
  readonly members: readonly Membership[]
  readonly data: readonly Float32Array[]
  readonly close: () => Promise<void>
}

/** Members in this thread: none of their calls may wait in it for the others. */
function open(implementation: Implementation, ranks: number, deadlineMs = 600_000): Members {
  const backend = loadBackend(implementation)
  const context = backend.openContext({ vendor: 'cpu', ordinal: 0 })
  const regions = Array.from({ length: ranks }, (_, rank) => ({
    f32: context.allocate(`gradient ${rank}`, 4 * COUNT),
  }))
  const members = Array.from({ length: ranks }, (_, rank) => `cpu:${rank}`)
  const communicator = backend.createCommunicator({ generation: 3, members, regions, deadlineMs })
  return {
    backend,
    members: members.map((_, rank) => backend.joinCommunicator(communicator.ticket, rank)),
    data: regions.map(({ f32 }) => new Float32Array(f32.buffer, f32.byteOffset, COUNT)),
    close: async () => {
      await communicator.dispose()
      context.dispose()
    },
  }
}

for (const implementation of ['native', 'typescript'] as const) {
  const test = suite(`allreduce in the background, ${implementation}`)

  test('C1 C2 parts of a gradient, issued ahead, are each summed for all', async () => {
    const { members, data, close } = open(implementation, 3)
    for (const [rank, mine] of data.entries()) mine.fill(rank + 1)
    const parts = Array.from({ length: 10 }, (_, part) => [part * 100, (part + 1) * 100] as const)
    await Promise.all(
      members.flatMap((member, rank) =>
        parts.map(async ([from, to]) => {
          await member.allreduce({ send: data[rank].subarray(from, to), background: true })
          assert.ok(data.every((all) => all.subarray(from, to).every((value) => value === 6)))
        }),
      ),
    )
    await close()
  })

  test('C3 a member that reduces another part is named, and no data moves', async () => {
    const { members, data, close } = open(implementation, 3)
    const failures = await Promise.all(
      members.map(async (member, rank) => {
        const send = data[rank].subarray(0, rank === 1 ? 7 : 8)
        return await rejection(member.allreduce({ send, background: true }))
      }),
    )
    for (const { code, fields } of failures) {
      assert.is(code, 'SIGNATURE_MISMATCH')
      const differing = fields['differing'] as { member: string }[]
      assert.equal(
        differing.map(({ member }) => member),
        ['cpu:1'],
      )
    }
    await close()
  })

  test('C4 who does not come is named to all who wait, within the deadline', async () => {
    const { members, data, close } = open(implementation, 3, 60)
    const failures = await Promise.all(
      [0, 2].map(async (rank) => {
        return await rejection(members[rank].allreduce({ send: data[rank], background: true }))
      }),
    )
    for (const { code, fields } of failures) {
      assert.is(code, 'DEADLINE_EXCEEDED')
      assert.equal(fields['missing'], ['cpu:1'])
    }
    await close()
  })

  test('C4 who leaves is named at once', async () => {
    const { members, data, close } = open(implementation, 2)
    const failed = rejection(members[0].allreduce({ send: data[0], background: true }))
    members[1].leave()
    const { code, fields } = await failed
    assert.is(code, 'PEER_DOWN')
    assert.equal(fields['missing'], ['cpu:1'])
    await close()
  })

  test('an abort ends every wait', async () => {
    const { members, data, close } = open(implementation, 2)
    const failed = rejection(members[0].allreduce({ send: data[0], background: true }))
    await close()
    assert.is((await failed).code, 'COMMUNICATOR_ABORTED')
  })

  test.run()
}

const refusals = suite('allreduce of the TypeScript fallback')

refusals('memory that other threads do not know is refused, and harms nothing', async () => {
  const { members, data, close } = open('typescript', 1)
  const own = new Float32Array(new SharedArrayBuffer(64))
  assert.is((await rejection(members[0].allreduce({ send: own }))).code, 'BAD_ARGUMENT')
  await members[0].allreduce({ send: data[0] })
  await close()
})

refusals.run()
