import * as askers from './askers.js'
import { latency, pipelined } from './asking.js'
import type { Measurement } from './contest.js'
import { timesTheCost } from './targets.js'

const outstanding = 64

const absent = {
  nact: 'its actors share one thread',
  xstate: 'its actors share one thread',
}

/** The raw side keeps a map of its questions, as anyone would who has more than one. */
export const coldAsks: Measurement = {
  name: 'cold-ask',
  title: 'ask, across threads: one at a time; each sample is its median ask',
  unit: 'µs',
  contestants: [
    { name: 'ours', open: async () => latency(await askers.ours()) },
    { name: 'raw postMessage', open: () => latency(askers.raw()) },
    { name: 'comlink', open: () => latency(askers.withComlink()) },
    { name: 'piscina run', open: () => latency(askers.withPiscina(1)) },
    { name: 'comedy, threaded', open: async () => latency(await askers.withComedy()) },
  ],
  absent,
  targets: [timesTheCost('ours', 'raw postMessage', 1.2)],
}

export const pipelinedAsks: Measurement = {
  name: 'pipelined-ask',
  title: `ask, across threads: ${outstanding} outstanding`,
  unit: 'µs',
  contestants: [
    { name: 'ours', open: async () => pipelined(await askers.ours(), outstanding) },
    { name: 'raw postMessage', open: () => pipelined(askers.raw(), outstanding) },
    { name: 'comlink', open: () => pipelined(askers.withComlink(), outstanding) },
    { name: 'piscina run', open: () => pipelined(askers.withPiscina(outstanding), outstanding) },
    {
      name: 'comedy, threaded',
      open: async () => pipelined(await askers.withComedy(), outstanding),
    },
  ],
  absent,
}
