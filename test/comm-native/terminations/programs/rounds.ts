/** Rounds of one kind in this process: rounds.js <kind> <seed> <from> <to>. */
import { Host } from '../host.js'
import { round } from '../round.js'
import type { Kind } from '../work.js'

/** At a time: threads of several rounds end beside each other. */
const LANES = 3

const [kind, seed, from, to] = process.argv.slice(2)
let next = Number(from)

async function lane(): Promise<void> {
  while (next < Number(to)) {
    const number = next++
    console.log(`begin ${number}`)
    try {
      await round(kind as Kind, Number(seed), number)
    } catch (error) {
      throw new Error(`round ${number}: a thread failed`, { cause: error })
    }
    console.log(`end ${number}`)
  }
}

const host = new Host()
await host.works()
const before = host.holds()
await Promise.all(Array.from({ length: LANES }, lane))
await host.works()
await host.holdsNoMoreThan(before)
console.log('survived')
