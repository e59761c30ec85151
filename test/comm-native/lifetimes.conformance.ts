import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Cluster, RemoteRank, rejection, withCluster, type Implementation } from './ranks.js'

/** Aborts, threads that end, and what is left behind. */
export function lifetimesConformance(implementation: Implementation): void {
  const test = suite(`lifetimes, ${implementation}`)
  test(
    'abort from another thread ends the wait with its cause',
    withCluster(implementation, { ranks: 2 }, abortFromAnotherThread),
  )
  test(
    'stale and late calls after an abort are harmless',
    withCluster(implementation, { ranks: 2 }, lateCalls),
  )
  test('a rank joins a generation once', withCluster(implementation, { ranks: 2 }, joinedTwice))
  test(
    'a rank that runs ahead without end is told so',
    withCluster(implementation, { ranks: 1 }, tooFarAhead),
  )
  test('C4 a rank whose thread ended before marking is named', () => endedBefore(implementation))
  test('C4 a rank whose thread ended after marking is summed', () => endedAfter(implementation))
  test('a leader whose thread ends aborts its members', () => leaderEnds(implementation))
  test('50 workers load, allocate, join, mark and end', () => manyWorkers(implementation))
  test.run()
}

async function abortFromAnotherThread(cluster: Cluster): Promise<void> {
  const { communicator, members } = cluster
  const failed = rejection(communicator.allreduce(cluster.signature()))
  await members[0].call({ do: 'ready', signature: cluster.signature() })
  await members[1].call({ do: 'abort', ticket: communicator.ticket, cause: 'A test asked.' })
  const error = await failed
  assert.is(error.code, 'COMMUNICATOR_ABORTED')
  assert.is(error.fields['cause'], 'A test asked.')
  communicator.abort('Too late: the first cause stays.')
  assert.is(await members[0].call({ do: 'aborted' }), 'A test asked.')
}

async function lateCalls(cluster: Cluster): Promise<void> {
  const { communicator, members } = cluster
  const { ticket } = communicator
  const failed = rejection(communicator.allreduce(cluster.signature()))
  communicator.abort('Stop.')
  await failed
  await cluster.allReady()
  await communicator.dispose()
  await communicator.dispose()
  await cluster.allReady(1)
  await members[0].call({ do: 'abort', ticket, cause: 'Late.' })
  await members[0].call({ do: 'leave' })
  await members[0].call({ do: 'leave' })
  await members[0].call({ do: 'ready', signature: cluster.signature() })
  assert.is(await members[1].call({ do: 'aborted' }), 'Stop.')
  const again = await rejection(communicator.allreduce(cluster.signature(1)))
  assert.is(again.code, 'COMMUNICATOR_ABORTED')
}

async function joinedTwice(cluster: Cluster): Promise<void> {
  const { ticket } = cluster.communicator
  const error = await rejection(cluster.members[0].call({ do: 'join', ticket, rank: 1 }))
  assert.is(error.code, 'BAD_ARGUMENT')
  assert.match(error.message, /cpu:1 has already joined/)
}

async function tooFarAhead(cluster: Cluster): Promise<void> {
  const [member] = cluster.members
  for (let sequence = 0; sequence < 256; sequence++) {
    await member.call({ do: 'ready', signature: cluster.signature(sequence) })
  }
  const error = await rejection(member.call({ do: 'ready', signature: cluster.signature(256) }))
  assert.match(error.message, /256 operations ahead/)
}

async function endedBefore(implementation: Implementation): Promise<void> {
  const cluster = await Cluster.open(implementation, { ranks: 2, deadlineMs: 300 })
  await cluster.members[1].terminate()
  const failed = rejection(cluster.communicator.allreduce(cluster.signature()))
  await cluster.members[0].call({ do: 'ready', signature: cluster.signature() })
  const error = await failed
  // The native core sees the thread's end; without it only the deadline can.
  assert.is(error.code, implementation === 'native' ? 'PEER_DOWN' : 'DEADLINE_EXCEEDED')
  assert.equal(error.fields['missing'], ['cpu:1'])
  await cluster.close()
}

async function endedAfter(implementation: Implementation): Promise<void> {
  const cluster = await Cluster.open(implementation, { ranks: 2 })
  cluster.f32(0).fill(1)
  cluster.f32(1).fill(2)
  const signature = cluster.signature()
  await cluster.members[1].call({ do: 'ready', signature })
  await cluster.members[1].terminate()
  const done = cluster.communicator.allreduce(signature)
  await cluster.members[0].call({ do: 'ready', signature })
  await done
  assert.equal([...cluster.f32(0)], Array<number>(17).fill(3))
  await cluster.close()
}

/** Only the native core can tell that a thread ended; the fallback's members have their deadlines. */
async function leaderEnds(implementation: Implementation): Promise<void> {
  if (implementation === 'typescript') return
  const [leader, member] = [new RemoteRank(), new RemoteRank()]
  await leader.call({ do: 'load', implementation })
  await member.call({ do: 'load', implementation })
  const ticket = await leader.lead({ members: ['cpu:0', 'cpu:1'], deadlineMs: 20_000 })
  await member.call({ do: 'join', ticket, rank: 1 })
  assert.is(await member.call({ do: 'aborted' }), undefined)
  await leader.terminate()
  assert.match(String(await member.call({ do: 'aborted' })), /leader/)
  await member.terminate()
}

async function manyWorkers(implementation: Implementation): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const cluster = await Cluster.open(implementation, { ranks: 5 })
    cluster.members.forEach((_, rank) => cluster.f32(rank).fill(rank))
    const done = cluster.communicator.allreduce(cluster.signature())
    const late = rejection(cluster.communicator.allreduce(cluster.signature(1)))
    await cluster.allReady()
    await done
    assert.is(cluster.f32(4)[16], 10)
    // Threads end while an operation waits for them.
    await Promise.all(cluster.members.map((member) => member.terminate()))
    cluster.communicator.abort('The round is over.')
    assert.ok(['PEER_DOWN', 'COMMUNICATOR_ABORTED'].includes((await late).code))
    await cluster.close()
  }
}
