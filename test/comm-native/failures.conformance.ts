import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection, withCluster, type Cluster, type Implementation } from './ranks.js'

/** How operations fail: by name, on everybody, within the deadline. */
export function failuresConformance(implementation: Implementation): void {
  const test = suite(`failures, ${implementation}`)
  const wrong = { count: 16, offset: 1, generation: 6, sequence: 1, dtype: 'i64' } as const
  for (const part of ['count', 'offset', 'generation', 'sequence', 'dtype'] as const) {
    test(
      `C3 a member that differs in ${part} is named to all, and no data moves`,
      withCluster(implementation, { ranks: 3 }, (cluster) => oddMember(cluster, part, wrong[part])),
    )
  }
  test(
    'C3 a leader that differs from all its members is the one named',
    withCluster(implementation, { ranks: 2 }, oddLeader),
  )
  test(
    'C4 the deadline names the member that is missing',
    withCluster(implementation, { ranks: 3, deadlineMs: 60 }, deadline),
  )
  test(
    'C4 a member that leaves fails the operation that waits for it, by name',
    withCluster(implementation, { ranks: 2 }, leaving),
  )
  test(
    'C4 after a failure later operations are refused with its cause',
    withCluster(implementation, { ranks: 1, deadlineMs: 20 }, laterOperations),
  )
  test(
    'input that does not fit is refused before it is issued and harms nothing',
    withCluster(implementation, { ranks: 1 }, refusedInput),
  )
  test(
    'regions and options that do not fit are refused',
    withCluster(implementation, { ranks: 1 }, refusedOptions),
  )
  test.run()
}

async function oddMember(cluster: Cluster, part: string, wrong: unknown): Promise<void> {
  const { communicator, members } = cluster
  cluster.f32(0).fill(1)
  const failed = rejection(communicator.allreduce(cluster.signature()))
  const odd = { ...cluster.signature(), [part]: wrong }
  await members[0].call({ do: 'ready', signature: cluster.signature() })
  await members[1].call({ do: 'ready', signature: cluster.signature() })
  await members[2].call({ do: 'ready', signature: odd })
  const error = await failed
  assert.is(error.code, 'SIGNATURE_MISMATCH')
  const [differing, ...others] = error.fields['differing'] as { member: string; in: string[] }[]
  assert.is(differing.member, 'cpu:2')
  assert.equal(differing.in, [part])
  assert.is(others.length, 0)
  for (const member of members) assert.is(await member.call({ do: 'aborted' }), error.message)
  assert.equal([...cluster.f32(1)], Array<number>(17).fill(0))
}

async function oddLeader(cluster: Cluster): Promise<void> {
  const odd = cluster.signature(0, { count: 3 })
  const failed = rejection(cluster.communicator.allreduce(odd))
  await cluster.allReady()
  assert.match((await failed).message, /the leader differs in count \(3, not 17\)/)
}

async function deadline(cluster: Cluster): Promise<void> {
  const { communicator, members } = cluster
  await members[0].call({ do: 'ready', signature: cluster.signature() })
  await members[2].call({ do: 'ready', signature: cluster.signature() })
  const error = await rejection(communicator.allreduce(cluster.signature()))
  assert.is(error.code, 'DEADLINE_EXCEEDED')
  assert.equal(error.fields['missing'], ['cpu:1'])
  assert.is(error.fields['phase'], 'arrive')
  assert.match(error.message, /cpu:1 .* within 60 ms/)
  assert.is(await members[0].call({ do: 'aborted' }), error.message)
}

async function leaving(cluster: Cluster): Promise<void> {
  const failed = rejection(cluster.communicator.allreduce(cluster.signature()))
  await cluster.members[1].call({ do: 'leave' })
  const error = await failed
  assert.is(error.code, 'PEER_DOWN')
  assert.equal(error.fields['missing'], ['cpu:1'])
}

async function laterOperations(cluster: Cluster): Promise<void> {
  const { communicator } = cluster
  const first = rejection(communicator.allreduce(cluster.signature(0)))
  const second = rejection(communicator.allreduce(cluster.signature(1)))
  assert.is((await first).code, 'DEADLINE_EXCEEDED')
  assert.is((await second).code, 'COMMUNICATOR_ABORTED')
  assert.is((await second).fields['cause'], (await first).message)
  const third = await rejection(communicator.allreduce(cluster.signature(2)))
  assert.is(third.code, 'COMMUNICATOR_ABORTED')
}

async function refusedInput(cluster: Cluster): Promise<void> {
  const { communicator } = cluster
  const outside = await rejection(communicator.allreduce(cluster.signature(0, { count: 18 })))
  assert.is(outside.code, 'BAD_ARGUMENT')
  assert.match(outside.message, /cpu:0/)
  const early = await rejection(communicator.allreduce(cluster.signature(1)))
  assert.is(early.code, 'BAD_ARGUMENT')
  const op = cluster.signature(0, { op: 'median' as 'sum' })
  assert.is((await rejection(communicator.allreduce(op))).code, 'UNSUPPORTED_OP')
  const dtype = cluster.signature(0, { dtype: 'c64' as 'f32' })
  assert.is((await rejection(communicator.allreduce(dtype))).code, 'UNSUPPORTED_DTYPE')
  const done = communicator.allreduce(cluster.signature())
  await cluster.allReady()
  await done
}

async function refusedOptions({ backend, regions, communicator }: Cluster): Promise<void> {
  const [region] = regions
  const good = { generation: 1, members: ['a', 'b'], regions: [{}, {}], deadlineMs: 1000 }
  const shifted = { ...region, byteOffset: region.byteOffset + 4, byteLength: 4 }
  const refused = [
    { ...good, members: [] },
    { ...good, deadlineMs: Infinity },
    { ...good, regions: [{}] },
    { ...good, regions: [{ f32: { ...region, byteLength: 1e6 } }, {}] },
    { ...good, regions: [{ i64: { ...shifted, byteOffset: 4 } }, {}] },
    { ...good, regions: [{ f32: region }, { f32: shifted }] },
  ]
  for (const options of refused) {
    const error = await rejection((async () => backend.createCommunicator(options))())
    assert.is(error.code, 'BAD_ARGUMENT')
  }
  const join = (async () => backend.joinCommunicator(communicator.ticket, 1))()
  assert.is((await rejection(join)).code, 'BAD_ARGUMENT')
}
