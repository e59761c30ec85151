/**
 * The update pass (divide, momentum, decay, step, digest, finiteness) against a plain C++ loop that
 * does the arithmetic alone, and against the same pass with SHA-256 as its digest, interleaved.
 *
 *   node bench/dist/update.js [--rounds 9]
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { loadBackend } from '@kaitian/comm-native'
import { compiled } from './peers/program.js'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } })
const rounds = Math.max(5, Number(options.rounds))
const { kernels } = loadBackend('native')

/** A run of the other side, in ms. */
type Timed = () => Promise<number>

function plainLoop(size: number): { run: Timed; close: () => void } {
  const child = spawn(compiled('sgd', 'g++'), [String(size)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    run: async () => {
      child.stdin.write('\n')
      return Number((await lines.next()).value)
    },
    close: () => child.stdin.end(),
  }
}

function ours(size: number): { run: Timed; withSha: Timed } {
  const view = (): Float32Array => {
    const values = new Float32Array(new SharedArrayBuffer(4 * size))
    for (let i = 0; i < size; i++) values[i] = Math.sin(i)
    return values
  }
  const [weights, velocity, sum, nextWeights, nextVelocity] = Array.from({ length: 5 }, view)
  const step = { weights, velocity, sum, nextWeights, nextVelocity }
  const rule = { count: 64, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 }
  const run = async (): Promise<number> => {
    const start = performance.now()
    kernels.sgd({ ...step, ...rule, digest: new BigUint64Array(3) })
    return performance.now() - start
  }
  const withSha = async (): Promise<number> => {
    const ms = await run()
    const start = performance.now()
    const hash = createHash('sha256')
    for (const part of [nextWeights, nextVelocity]) hash.update(new Uint8Array(part.buffer))
    hash.digest('hex')
    return ms + performance.now() - start
  }
  return { run, withSha }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

for (const size of [100_000, 1_000_000, 25_000_000]) {
  const plain = plainLoop(size)
  const own = ours(size)
  const times: [number, number, number][] = []
  for (let round = 0; round <= rounds; round++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const took: [number, number, number] = [await own.run(), await plain.run(), await own.withSha()]
    // The first touches the memory.
    if (round > 0) times.push(took)
  }
  plain.close()
  const [mine, loop, sha] = [0, 1, 2].map((side) => median(times.map((took) => took[side])))
  const ratio = median(times.map(([a, b]) => a / b))
  console.log(
    `${size} parameters: update and digest ${mine.toFixed(2)} ms, a plain loop ${loop.toFixed(2)} ms, ` +
      `ratio ${ratio.toFixed(2)}; with SHA-256 ${sha.toFixed(1)} ms (medians of ${rounds})`,
  )
}
