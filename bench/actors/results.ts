/** What a cost is told in; a rate is 1 ÷ the microseconds. */
export type Unit = 'M/s' | 'µs' | 'bytes'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The costs of all rounds, by contestant. */
export class Results {
  readonly costs: ReadonlyMap<string, readonly number[]>

  constructor(costs: ReadonlyMap<string, readonly number[]>) {
    this.costs = costs
  }

  has(...names: string[]): boolean {
    return names.every((name) => this.costs.has(name))
  }

  cost(name: string): number {
    return median(this.#of(name))
  }

  /** One contestant's cost ÷ another's, within each round: what was slow then hit both. */
  ratio(name: string, over: string): Spread {
    const divisors = this.#of(over)
    const ratios = this.#of(name).map((cost, round) => cost / divisors[round])
    return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
  }

  #of(name: string): readonly number[] {
    const costs = this.costs.get(name)
    if (costs === undefined) throw new Error(`${name} was not measured`)
    return costs
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
