import type { Contestant, Outcome } from './contest.js'
import type { Unit } from './results.js'

/** One table per measurement, its targets, and who did not take part. */
export function print(outcome: Outcome): void {
  const { measurement, results, absent, rounds } = outcome
  const { title, unit, contestants, targets = [] } = measurement
  const present = contestants.filter(({ name }) => results.has(name))
  const virtue = unit === 'bytes' ? 'small' : 'fast'
  const rows = [
    ['', unit, `how many times as ${virtue} (min–max)`],
    ...present.map((contestant) => [
      contestant.name,
      inUnit(results.cost(contestant.name), unit),
      advantage(contestant, outcome),
    ]),
  ]
  console.log(`\n${title} (median of ${rounds} rounds)`)
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [name, value, ratio] of rows) {
    console.log(`  ${name.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${ratio}`.trimEnd())
  }
  for (const [name, reason] of Object.entries(absent)) console.log(`  without ${name}: ${reason}`)
  for (const { text, judge } of targets) {
    const verdict = judge(results)
    const judgement =
      verdict === undefined
        ? 'not measured'
        : `${verdict.figure}: ${verdict.met ? 'met' : 'missed'}`
    console.log(`  target: ${text}: ${judgement}`)
  }
}

/** How much faster or smaller the one compared with is; nothing for that one itself. */
function advantage({ name, against }: Contestant, { measurement, results }: Outcome): string {
  const reference = against ?? measurement.contestants[0].name
  if (name === reference || !results.has(reference)) return ''
  const { median, min, max } = results.ratio(name, reference)
  const whose = against === undefined ? 'ours' : reference
  return `${whose} ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}

function inUnit(cost: number, unit: Unit): string {
  if (unit === 'bytes') return cost.toFixed(0)
  return (unit === 'M/s' ? 1 / cost : cost).toFixed(unit === 'M/s' ? 3 : 2)
}

/** The same as plain data, with every round's costs (µs per operation, or bytes). */
export function toJson({ measurement, results, absent, rounds }: Outcome): object {
  const { name, title, unit, contestants, targets = [] } = measurement
  return {
    name,
    title,
    unit,
    rounds,
    results: contestants
      .filter((contestant) => results.has(contestant.name))
      .map((contestant) => {
        const against = contestant.against ?? contestants[0].name
        const compared = contestant.name !== against && results.has(against)
        return {
          name: contestant.name,
          cost: results.cost(contestant.name),
          costs: results.costs.get(contestant.name),
          ...(compared && { against, ratio: results.ratio(contestant.name, against) }),
        }
      }),
    absent,
    targets: targets.map(({ text, judge }) => ({ text, ...judge(results) })),
  }
}
