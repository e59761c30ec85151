import { Results, type Unit } from './results.js'
import type { Target } from './targets.js'

/** What is measured, by whom, and what is aimed at. */
export interface Measurement {
  /** For `--only`; several tables may share one. */
  readonly name: string
  readonly title: string
  readonly unit: Unit
  /** The first is ours. */
  readonly contestants: readonly Contestant[]
  /** Who cannot take part, and why. */
  readonly absent?: Readonly<Record<string, string>>
  readonly targets?: readonly Target[]
  /** No more of them than so many, where they take long. */
  readonly maxRounds?: number
  /** Samples that each contributes to a round, in turn; 4 unless told. */
  readonly passes?: number
}

export interface Contestant {
  readonly name: string
  /** The contestant it is compared with; the first unless told. */
  readonly against?: string
  open(): Entrant | Promise<Entrant>
}

/** A contestant that is set up. */
export interface Entrant {
  /** Runs hot, and settles how much one sample does. */
  warmUp(): Promise<void>
  /** What one operation costs: microseconds or bytes. */
  sample(): Promise<number>
  close(): Promise<void>
}

export interface Outcome {
  readonly measurement: Measurement
  readonly results: Results
  readonly absent: Readonly<Record<string, string>>
  readonly rounds: number
}

/** Interleaves all samples (ours, a peer, …, ours, …), so that load from elsewhere hits all alike. */
export async function play(measurement: Measurement, wanted: number): Promise<Outcome> {
  const rounds = Math.min(wanted, measurement.maxRounds ?? wanted)
  const absent: Record<string, string> = { ...measurement.absent }
  const entrants = new Map<string, Entrant>()
  const costs = new Map<string, number[]>()
  try {
    for (const contestant of measurement.contestants) {
      try {
        const entrant = await contestant.open()
        entrants.set(contestant.name, entrant)
        await entrant.warmUp()
        costs.set(contestant.name, [])
      } catch (error) {
        // A peer that does not run here is named; ours has to.
        if (contestant.name.startsWith('ours')) throw error
        absent[contestant.name] = error instanceof Error ? error.message : String(error)
      }
    }
    for (let round = 0; round < rounds; round++) {
      await playRound(round, measurement.passes ?? 4, entrants, costs)
    }
  } finally {
    for (const entrant of entrants.values()) await entrant.close()
  }
  return { measurement, results: new Results(costs), absent, rounds }
}

async function playRound(
  round: number,
  passes: number,
  entrants: ReadonlyMap<string, Entrant>,
  costs: ReadonlyMap<string, number[]>,
): Promise<void> {
  const names = [...costs.keys()]
  const sums = names.map(() => 0)
  for (let pass = 0; pass < passes; pass++) {
    // Each pass begins with another, so that nobody always runs after the same one's garbage.
    for (let i = 0; i < names.length; i++) {
      const turn = (i + round + pass) % names.length
      sums[turn] += await entrants.get(names[turn])!.sample()
    }
  }
  names.forEach((name, i) => costs.get(name)?.push(sums[i] / passes))
}
