/**
 * A sum of all ranks' float32 buffers, in place, with TCP sockets between the groups.
 *
 *   node bench/dist/bridge.js [--rounds 5] [--only one,exchange] [--sizes 4MiB,64MiB]
 */
import { compare, printMachine } from './peers/compare.js'
import type { Contestant, Skipped } from './peers/contestant.js'
import { openKaitianGroups } from './peers/kaitian-groups.js'
import { readOptions } from './peers/options.js'
import { openExchange, openGloo, openOpenMpi } from './peers/peers.js'

/** In the order of the tables; the first of each is what the others are compared with. */
const pairs = {
  one: () => openKaitianGroups([1, 1]),
  exchange: () => openExchange('usual'),
  'exchange-no-pacing': () => openExchange('unpaced'),
  'exchange-no-add': () => openExchange('bare'),
}
const fours = {
  two: () => openKaitianGroups([2, 2]),
  'openmpi-tcp': () => openOpenMpi(4, 'tcp'),
  gloo: () => openGloo(4),
}
const all: Record<string, () => Promise<Contestant | Skipped>> = { ...pairs, ...fours }

const { only, sizes, rounds } = readOptions(Object.keys(all), '4MiB,64MiB')

printMachine()
for (const [ranks, contestants] of Object.entries({ 2: pairs, 4: fours })) {
  const chosen = only.filter((name) => name in contestants)
  if (chosen.length === 0) continue
  await compare({
    name: 'bridge',
    title: (size) => `Sum of ${size} across sockets, ${ranks} ranks`,
    contestants: chosen.map((name) => all[name]),
    sizes,
    rounds,
  })
}
