import { totalmem } from 'node:os'
import { DTYPES, ELEMENT_BYTES, OPS, type DType, type Op } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'
import { checked, flag, listOf, oneOf, strict, whole } from '@kaitian/train/schema'
import * as v from 'valibot'
import { COLLECTIVE_NAMES, collectiveOf, hasPieces, type CollectiveName } from './collectives.js'
import { MOST_RANKS } from './pattern.js'
import { formatSize, sizesBetween } from './sizes.js'

export interface BenchOptions {
  readonly collective: CollectiveName
  /** Ranks of each group; one group reduces without a second stage. */
  readonly groups: readonly number[]
  /** Bytes. */
  readonly min: number
  readonly max: number
  readonly factor: number
  readonly dtype: DType
  /** `sum` unless told; only for collectives that reduce. */
  readonly op?: Op
  /** By size unless told. */
  readonly iterations?: number
  readonly warmup?: number
  readonly check: boolean
}

const schema = strict({
  collective: oneOf(COLLECTIVE_NAMES),
  groups: listOf(whole(1), 1),
  min: whole(1),
  max: whole(1),
  factor: whole(2),
  dtype: oneOf(DTYPES),
  op: v.optional(oneOf(OPS)),
  iterations: v.optional(whole(1)),
  warmup: v.optional(whole(0)),
  check: flag,
} satisfies Record<keyof BenchOptions, v.GenericSchema>)

/** One size of the table, before it is measured. */
export interface SizePlan {
  /** Of the whole: what all pieces have together. */
  readonly bytes: number
  /** Elements as nccl-tests counts them: of a rank's piece where ranks have pieces. */
  readonly count: number
  readonly iterations: number
  readonly warmup: number
}

export interface BenchPlan extends BenchOptions {
  readonly ranks: number
  readonly root: number
  readonly sizes: readonly SizePlan[]
}

/** Rounded down to so many bytes a rank, as nccl-tests does, where ranks have pieces. */
const PIECE_BYTES = 16

/** A size's calls move about as much, but for very small and very large ones. */
const MOVED_BYTES = 512 * 2 ** 20
const FEWEST = 5
const MOST = 20_000

/** @throws KaitianError where the options cannot be right */
export function planBench(options: BenchOptions, memory: number = totalmem()): BenchPlan {
  checked(schema, options, {
    code: 'BAD_ARGUMENT',
    whole: 'The options',
    nameOf: ([key]) => (key === 'collective' ? 'The collective' : `--${key}`),
  })
  const { collective, groups, min, max, factor, dtype } = options
  const { reduces } = collectiveOf(collective)
  const ranks = groups.reduce((total, size) => total + size, 0)
  if (ranks > MOST_RANKS) {
    refuse(`There can be 1 to ${MOST_RANKS} ranks, not ${ranks}.`, { ranks })
  }
  checkReduction(options, reduces)
  checkSizes(options, ranks)
  if (2 * max * ranks > memory) {
    refuse(
      `${ranks} ranks with two buffers of ${formatSize(max)} need more than this machine's memory; lower --max or the number of ranks.`,
      { max, ranks, memory },
    )
  }
  const sizes = sizesBetween(min, max, factor).map((size) => sizePlan(options, ranks, size))
  const op = reduces ? { op: options.op ?? 'sum' } : {}
  return { ...options, ...op, dtype, ranks, root: 0, sizes }
}

function sizePlan(options: BenchOptions, ranks: number, size: number): SizePlan {
  const pieces = hasPieces(options.collective) ? ranks : 1
  const unit = pieces === 1 ? 1 : pieces * PIECE_BYTES
  const bytes = Math.floor(size / unit) * unit
  const byBytes = Math.min(MOST, Math.max(FEWEST, Math.round(MOVED_BYTES / size)))
  const { iterations = byBytes, warmup = Math.ceil(iterations / 10) } = options
  return { bytes, count: bytes / pieces / ELEMENT_BYTES[options.dtype], iterations, warmup }
}

function checkReduction({ collective, op, dtype }: BenchOptions, reduces: boolean): void {
  if (op === undefined) return
  if (!reduces) refuse(`${collective} does not reduce; leave --op out.`, { collective, op })
  if (op === 'avg' && /^[iu]/.test(dtype)) {
    refuse(`avg of ${dtype} would lose the remainder; use sum, or a dtype of floats.`, {
      op,
      dtype,
    })
  }
}

function checkSizes({ collective, min, max, dtype }: BenchOptions, ranks: number): void {
  if (min > max) {
    refuse(
      `--min is ${formatSize(min)}, --max only ${formatSize(max)}; raise --max or lower --min.`,
      { min, max },
    )
  }
  const width = ELEMENT_BYTES[dtype]
  if (min % width !== 0) {
    refuse(`--min must be a multiple of ${width} bytes, the width of ${dtype}; it is ${min}.`, {
      min,
      width,
    })
  }
  const least = ranks * PIECE_BYTES
  if (hasPieces(collective) && min < least) {
    refuse(
      `${collective} gives each rank a piece of ${PIECE_BYTES} bytes at least: --min must be ${least} or more; it is ${min}.`,
      { min, ranks },
    )
  }
}

function refuse(sentence: string, fields: Record<string, unknown>): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}
