import { arch, cpus, release, totalmem, type } from 'node:os'
import { play, type Entrant } from '../actors/contest.js'
import { print } from '../actors/report.js'
import { median } from '../actors/results.js'
import type { Contestant, Skipped } from './contestant.js'
import { sizeText } from './options.js'

export interface Comparison {
  readonly name: string
  /** What is done with so many bytes. */
  readonly title: (size: string) => string
  /** The others are compared with the first that is there. */
  readonly contestants: readonly (() => Promise<Contestant | Skipped>)[]
  readonly sizes: readonly number[]
  readonly rounds: number
}

const sampleMs = 250
const fewest = 3
const most = 2000

export function printMachine(): void {
  const cpu = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores (${arch()})`
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`
  const date = new Date().toISOString().slice(0, 10)
  console.log(`${cpu}, ${memory}, ${type()} ${release()}, Node ${process.version}, ${date}`)
}

/** A table for each size. All contestants run throughout, and wait while another is measured. */
export async function compare(comparison: Comparison): Promise<void> {
  const present: Contestant[] = []
  const absent: Record<string, string> = {}
  try {
    for (const open of comparison.contestants) {
      const opened = await open()
      if ('reason' in opened) absent[opened.name] = opened.reason
      else present.push(opened)
    }
    console.log(`\n${present.map(({ name, version }) => `${name}: ${version}`).join('; ')}`)
    for (const bytes of comparison.sizes) await compareAt(bytes, comparison, present, absent)
  } finally {
    await Promise.all(present.map((contestant) => contestant.close()))
  }
}

async function compareAt(
  bytes: number,
  { name, title, rounds }: Comparison,
  present: readonly Contestant[],
  absent: Readonly<Record<string, string>>,
): Promise<void> {
  const contestants = present.map((contestant) => ({
    name: contestant.name,
    against: present[0].name,
    open: () => entrant(contestant, bytes),
  }))
  const outcome = await play(
    { name, title: title(sizeText(bytes)), unit: 'µs', contestants, absent, passes: 1 },
    rounds,
  )
  // One that is there but fails is no reason to compare with fewer.
  const failed = present.find((contestant) => contestant.name in outcome.absent)
  if (failed !== undefined) throw new Error(outcome.absent[failed.name])
  print(outcome)
}

/** A sample is the median of some calls; how many, the time they take decides. */
function entrant(contestant: Contestant, bytes: number): Entrant {
  let iterations = fewest
  return {
    async warmUp() {
      // The first calls at a size reserve memory, and take several times as long.
      await contestant.measure(bytes, fewest)
      const start = performance.now()
      await contestant.measure(bytes, fewest)
      // Fillings and barriers included.
      const callMs = (performance.now() - start) / fewest
      iterations = Math.min(most, Math.max(fewest, Math.round(sampleMs / callMs)))
    },
    sample: async () => median(await contestant.measure(bytes, iterations)),
    // It goes on with the next size.
    close: async () => {},
  }
}
