import { collectiveOf } from './collectives.js'
import type { BenchPlan, SizePlan } from './options.js'
import type { SeriesResult } from './rank.js'

/** What is measured, and on what. */
export interface BenchStart extends Omit<BenchPlan, 'sizes'> {
  readonly kaitian: string
  readonly node: string
  readonly cpu: string
  /** Processors that this process may use. */
  readonly cores: number
  readonly backend: string
}

export interface Figures {
  /** Time of a call. */
  readonly us: number
  /** bytes ÷ time, in GB/s (10⁹). */
  readonly algbw: number
  /** algbw × the collective's factor: comparable between numbers of ranks. */
  readonly busbw: number
  /** Over all ranks; absent when not checked. */
  readonly wrong?: number
}

/** A line of the table. */
export interface Row extends SizePlan, Pick<BenchPlan, 'dtype' | 'op'> {
  /** Absent where nobody is special. */
  readonly root?: number
  /** Absent where the call knows one buffer only. */
  readonly outOfPlace?: Figures
  readonly inPlace: Figures
}

export interface BenchSummary {
  readonly rows: number
  /** Absent when not checked. */
  readonly wrong?: number
  /** Over all lines, out of place and in place alike. */
  readonly averageBusbw: number
}

type Measured = Pick<BenchPlan, 'collective' | 'ranks' | 'dtype' | 'op' | 'root'>

export function rowOf(
  { collective, ranks, dtype, op, root }: Measured,
  size: SizePlan,
  apart: readonly SeriesResult[] | undefined,
  inPlace: readonly SeriesResult[],
): Row {
  const { busFactor, rooted } = collectiveOf(collective)
  const figures = (results: readonly SeriesResult[]): Figures => {
    // One clock for all, as in nccl-tests with one process: rank 0's.
    const [{ us }] = results
    const algbw = size.bytes / (us * 1000)
    return { us, algbw, busbw: algbw * busFactor(ranks), ...totalWrong(results) }
  }
  return {
    ...size,
    dtype,
    ...(op === undefined ? {} : { op }),
    ...(rooted ? { root } : {}),
    ...(apart === undefined ? {} : { outOfPlace: figures(apart) }),
    inPlace: figures(inPlace),
  }
}

export function summarise(rows: readonly Row[]): BenchSummary {
  const all = rows.flatMap(({ outOfPlace, inPlace }) =>
    outOfPlace === undefined ? [inPlace] : [outOfPlace, inPlace],
  )
  const busbw = all.reduce((total, figures) => total + figures.busbw, 0)
  return { rows: rows.length, ...totalWrong(all), averageBusbw: busbw / all.length }
}

function totalWrong(parts: readonly { readonly wrong?: number }[]): { wrong?: number } {
  const counted = parts.flatMap(({ wrong }) => wrong ?? [])
  if (counted.length === 0) return {}
  return { wrong: counted.reduce((total, wrong) => total + wrong, 0) }
}
