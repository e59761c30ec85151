// A script that is interrupted in a getter of what it gives is told so, and nothing else happens.
import { loadBackend, type Region, type SgdStep } from '@kaitian/comm-native'
import { runInNewContext } from 'node:vm'
import { implementation } from './scenario.js'

/** More than anything that is given is read. */
const READS = 24

const backend = loadBackend(implementation)
const region = backend.openContext({ vendor: 'cpu', ordinal: 0 }).allocate('gradient', 64)
const view = new Float32Array(region.buffer, region.byteOffset, 4)
const step: SgdStep = {
  weights: view,
  velocity: view,
  sum: view,
  nextWeights: new Float32Array(4),
  nextVelocity: new Float32Array(4),
  count: 1,
  learningRate: 1,
  momentum: 0,
  weightDecay: 0,
  digest: new BigUint64Array(3),
}

/** `target`, which hangs when it has been read so often. */
function hanging<T extends object>(target: T, reads: number): T {
  let left = reads
  return new Proxy(target, {
    get(of, name) {
      if (left === 0) for (;;);
      left--
      return Reflect.get(of, name) as unknown
    },
  })
}

const calls: readonly ((reads: number) => void)[] = [
  (reads) => {
    const f32: Region = hanging(region, reads)
    const members = ['cpu:0']
    backend.createCommunicator({ generation: 1, members, regions: [{ f32 }], deadlineMs: 60_000 })
  },
  (reads) => backend.kernels.sgd(hanging(step, reads)),
  (reads) => backend.kernels.sumF32(view, hanging([view], reads)),
]
let interrupted = 0
for (const call of calls) {
  for (let reads = 0; reads < READS; reads++) {
    try {
      runInNewContext('call()', { call: () => call(reads) }, { timeout: 10 })
    } catch (error) {
      if ((error as { code: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      interrupted++
    }
  }
}
console.log(interrupted > calls.length ? 'interrupted' : 'not interrupted')
