import type { Communicator, Region } from '@kaitian/comm-native'
import { loadBackend } from '@kaitian/comm-native'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RemoteRank, type Implementation } from './ranks.js'

/** Large enough that its memory is unmapped when it is freed: a stray write would end the process. */
const COUNT = 1 << 24
const signature = { sequence: 0, op: 'sum', dtype: 'f32', count: COUNT, offset: 0 } as const

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Memory outlives the worker that allocated it for as long as native code may touch it. */
export function pinningConformance(implementation: Implementation): void {
  const test = suite(`pinning, ${implementation}`)
  test('the memory of an ended worker, held by nobody else, is still summed', async () => {
    const [gone, stays] = [new RemoteRank(), new RemoteRank()]
    const regions: Region[] = []
    for (const member of [gone, stays]) regions.push(await allocate(member, implementation))
    const witness = new Float32Array(regions[1].buffer, regions[1].byteOffset, COUNT)
    witness.fill(2)
    fill(regions[0], 1)
    const watched = new WeakRef(regions[0].buffer)
    const communicator = open(implementation, regions)
    await mark(gone, communicator, 0)
    await gone.terminate()
    regions.length = 0
    await collected(watched)
    const done = communicator.allreduce({ ...signature, generation: 7 })
    await mark(stays, communicator, 1)
    await done
    assert.ok(witness.every((value) => value === 3))
    await communicator.dispose()
    await stays.terminate()
  })
  test('workers end in the middle of a sum, and dispose ends it', async () => {
    for (let round = 0; round < 10; round++) {
      const members = [new RemoteRank(), new RemoteRank()]
      const regions = await Promise.all(members.map((member) => allocate(member, implementation)))
      const communicator = open(implementation, regions)
      regions.length = 0
      const done = communicator.allreduce({ ...signature, generation: 7 })
      await Promise.all(members.map((member, rank) => mark(member, communicator, rank)))
      const ended = members.map((member) => member.terminate())
      collect()
      // Finished or not by now: what counts is that nothing writes any more.
      const settled = done.catch(() => {})
      await communicator.dispose()
      await settled
      await Promise.all(ended)
    }
  })
  test.run()
}

async function allocate(member: RemoteRank, implementation: Implementation): Promise<Region> {
  await member.call({ do: 'load', implementation })
  const byteLength = COUNT * 4
  return (await member.call({ do: 'allocate', name: 'gradient', byteLength })) as Region
}

function open(implementation: Implementation, regions: readonly Region[]): Communicator {
  return loadBackend(implementation).createCommunicator({
    generation: 7,
    members: ['cpu:0', 'cpu:1'],
    regions: regions.map((f32) => ({ f32 })),
    deadlineMs: 20_000,
  })
}

function fill({ buffer, byteOffset }: Region, value: number): void {
  new Float32Array(buffer, byteOffset, COUNT).fill(value)
}

async function mark(member: RemoteRank, { ticket }: Communicator, rank: number): Promise<void> {
  await member.call({ do: 'join', ticket, rank })
  await member.call({ do: 'ready', signature: { ...signature, generation: 7 } })
}

/** Until no JavaScript of this thread holds the buffer. */
async function collected(watched: WeakRef<SharedArrayBuffer>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // A turn of its own: a WeakRef that was looked at lives until the turn's end.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    if (watched.deref() === undefined) return
  }
  throw new Error('somebody in this thread still holds the buffer')
}
