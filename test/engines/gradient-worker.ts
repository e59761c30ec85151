import { parentPort, workerData } from 'node:worker_threads'
import { gradientBits, type Work } from './fixtures.js'

// One engine in a thread of its own; answers with the gradient's bytes.

const bits = await gradientBits(workerData as Work)
parentPort!.postMessage(bits, [bits.buffer as ArrayBuffer])
