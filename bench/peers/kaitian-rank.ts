import { parentPort, workerData } from 'node:worker_threads'
import { loadBackend, type CommunicatorTicket } from '@kaitian/comm-native'

export interface RankData {
  readonly ticket: CommunicatorTicket
  readonly rank: number
}

export interface RankRequest {
  readonly bytes: number
  readonly iterations: number
}

export interface RankReply {
  readonly us: readonly number[]
  readonly error?: string
}

const { ticket, rank } = workerData as RankData
const backend = loadBackend('native')
const member = backend.joinCommunicator(ticket, rank)
const context = backend.openContext({ vendor: 'cpu', ordinal: rank })
const buffers = new Map<number, Float32Array>()

function bufferOf(bytes: number): Float32Array {
  const known = buffers.get(bytes)
  if (known !== undefined) return known
  const region = context.allocate(`buffer of ${bytes}`, bytes)
  const buffer = new Float32Array(region.buffer, region.byteOffset, bytes / 4)
  buffers.set(bytes, buffer)
  return buffer
}

const block = new Float32Array(16 * 1024)

/**
 * By blocks, which V8 copies about as fast as the C++ peers fill their buffers. `fill` writes shared
 * memory an element at a time, and leaves the caches in a state in which the sum of 16 MiB takes a
 * tenth longer.
 */
function rewrite(buffer: Float32Array, value: number): void {
  block.fill(value)
  for (let at = 0; at < buffer.length; at += block.length) {
    buffer.set(block.subarray(0, buffer.length - at), at)
  }
}

/** One clock for all: rank 0's, from the moment after the barrier until its call has returned. */
async function measure({ bytes, iterations }: RankRequest): Promise<RankReply> {
  const buffer = bufferOf(bytes)
  const us: number[] = []
  for (let iteration = 0; iteration < iterations; iteration++) {
    rewrite(buffer, rank + 1 + (iteration % 7))
    await member.barrier()
    const start = performance.now()
    await member.allreduce({ send: buffer })
    us.push((performance.now() - start) * 1000)
  }
  const last = (iterations - 1) % 7
  const expected = (member.size * (member.size + 1)) / 2 + member.size * last
  const wrong = buffer.findIndex((value) => value !== expected)
  if (wrong < 0) return { us }
  return { us, error: `rank ${rank} has ${buffer[wrong]} at ${wrong}, not ${expected}` }
}

parentPort!.on('message', (request: RankRequest) => {
  void measure(request).then(
    (reply) => parentPort!.postMessage(reply),
    (error: unknown) => parentPort!.postMessage({ us: [], error: String(error) }),
  )
})
