// Run with UV_THREADPOOL_SIZE=1: neither a wait for a peer nor its end may need libuv's pool.
import { conductConformance } from '../collectives/conduct.conformance.js'
import { lossesConformance } from '../collectives/losses.conformance.js'
import { threads } from '../collectives/threads.js'

conductConformance(threads)
lossesConformance(threads)
