/**
 * A sum of two groups' float32 buffers, in place, with a TCP socket between them: the bound.
 *
 *   node bench/dist/bridge.js [--rounds 5] [--only exchange] [--sizes 4MiB,64MiB]
 */
import { compare, printMachine } from './peers/compare.js'
import type { Contestant, Skipped } from './peers/contestant.js'
import { readOptions } from './peers/options.js'
import { openExchange } from './peers/peers.js'

/** In the order of the table; the first is what the others are compared with. */
const contestants = {
  exchange: () => openExchange({ adds: true }),
  'exchange-no-add': () => openExchange({ adds: false }),
} satisfies Record<string, () => Promise<Contestant | Skipped>>

const names = Object.keys(contestants) as (keyof typeof contestants)[]
const { only, sizes, rounds } = readOptions(names, '4MiB,64MiB')

printMachine()
await compare({
  name: 'bridge',
  title: (size) => `Sum of ${size} across a socket, 2 ranks`,
  contestants: only.map((name) => contestants[name]),
  sizes,
  rounds,
})
