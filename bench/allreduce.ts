/**
 * A sum over all ranks' float32 buffers, in place, on one machine: what others take, and the bound.
 *
 *   node bench/dist/allreduce.js [--rounds 5] [--only kernel,gloo] [--sizes 64KiB,4MiB]
 */
import { compare, printMachine } from './peers/compare.js'
import type { Contestant, Skipped } from './peers/contestant.js'
import { readOptions } from './peers/options.js'
import { openKaitian } from './peers/kaitian.js'
import { openGloo, openKernel, openOpenMpi } from './peers/peers.js'

/** In the order of the tables; the first is what the others are compared with. */
const contestants = {
  kaitian: openKaitian,
  kernel: openKernel,
  'openmpi-memory': (ranks) => openOpenMpi(ranks, 'shared memory'),
  'openmpi-tcp': (ranks) => openOpenMpi(ranks, 'tcp'),
  gloo: openGloo,
} satisfies Record<string, (ranks: number) => Promise<Contestant | Skipped>>

const names = Object.keys(contestants) as (keyof typeof contestants)[]
const { only, sizes, rounds } = readOptions(names, '4KiB,64KiB,1MiB,4MiB,16MiB,64MiB')

printMachine()
for (const ranks of [2, 4]) {
  await compare({
    name: 'allreduce',
    title: (size) => `Allreduce of ${size}, ${ranks} ranks`,
    contestants: only.map((name) => () => contestants[name](ranks)),
    sizes,
    rounds,
  })
}
