import type { Results, Unit } from './results.js'

/** Something aimed at. Missing one is told, and no more: speeds depend on the machine. */
export interface Target {
  readonly text: string
  /** Undefined when one of those it needs was not measured. */
  readonly judge: (results: Results) => Verdict | undefined
}

export interface Verdict {
  readonly figure: string
  readonly met: boolean
}

function target(
  text: string,
  needs: readonly string[],
  judge: (results: Results) => Verdict,
): Target {
  return { text, judge: (results) => (results.has(...needs) ? judge(results) : undefined) }
}

export function rateAtLeast(name: string, millions: number): Target {
  return target(`${name} ≥ ${millions} M/s`, [name], (results) => {
    const rate = 1 / results.cost(name)
    return { figure: `${rate.toFixed(2)} M/s`, met: rate >= millions }
  })
}

export function costAtMost(name: string, most: number, unit: Unit): Target {
  return target(`${name} ≤ ${most} ${unit}`, [name], (results) => {
    const cost = results.cost(name)
    return { figure: `${cost.toFixed(unit === 'bytes' ? 0 : 2)} ${unit}`, met: cost <= most }
  })
}

export function timesAsFast(name: string, peer: string, least: number): Target {
  return target(`${name} ≥ ${least} times as fast as ${peer}`, [name, peer], (results) => {
    const { median } = results.ratio(peer, name)
    return { figure: median.toFixed(2), met: median >= least }
  })
}

export function timesTheCost(name: string, peer: string, most: number): Target {
  return target(`${name} ≤ ${most} times the cost of ${peer}`, [name, peer], (results) => {
    const { median } = results.ratio(name, peer)
    return { figure: median.toFixed(2), met: median <= most }
  })
}
