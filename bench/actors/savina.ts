/**
 * Three of the Savina benchmarks: S. Imam and V. Sarkar, "Savina – an actor benchmark suite",
 * AGERE! 2014, doi:10.1145/2687357.2687368. A ping says whom to answer, as it does there; a worker
 * of fork-join only counts, where Savina's takes a sine as well.
 */
import type { Measurement } from './contest.js'
import * as nacts from './savina-nact.js'
import * as our from './savina-ours.js'
import * as xstates from './savina-xstate.js'

const pings = 40_000
const ringSize = 100
const hops = 100_000
const workers = 60
/** Savina sends 10,000; a sample repeats it all instead, as often as fits. */
const messagesEach = 1000

export const pingPong: Measurement = {
  name: 'savina',
  title: `Savina's ping-pong, same thread: ${pings} pings and pongs`,
  unit: 'M/s',
  contestants: [
    { name: 'ours', open: () => our.pingPong(pings) },
    { name: 'nact', open: () => nacts.pingPong(pings) },
    { name: 'xstate', open: () => xstates.pingPong(pings) },
  ],
}

export const threadRing: Measurement = {
  name: 'savina',
  title: `Savina's thread ring, same thread: ${ringSize} actors, ${hops} hops`,
  unit: 'M/s',
  contestants: [
    { name: 'ours', open: () => our.threadRing(ringSize, hops) },
    { name: 'nact', open: () => nacts.threadRing(ringSize, hops) },
    { name: 'xstate', open: () => xstates.threadRing(ringSize, hops) },
  ],
}

export const forkJoin: Measurement = {
  name: 'savina',
  title: `Savina's fork-join (throughput), same thread: ${workers} actors, ${messagesEach} messages each`,
  unit: 'M/s',
  contestants: [
    { name: 'ours', open: () => our.forkJoin(workers, messagesEach) },
    { name: 'nact', open: () => nacts.forkJoin(workers, messagesEach) },
    { name: 'xstate', open: () => xstates.forkJoin(workers, messagesEach) },
  ],
}
