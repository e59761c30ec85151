import { DTYPES, OPS, type DType, type Op } from '@kaitian/comm-native'
import { CALLS, isReduction, sizeOf, type CallName, type Case, type Pattern } from './case.js'
import { isFloat, widthOf } from './elements.js'
import { SPECIALS } from './inputs.js'
import { pairwise } from './pairwise.js'

/** Groups as they may be divided: one of several ranks, only single ones, uneven ones. */
export const SHAPES: readonly (readonly number[])[] = [[2], [4], [1, 1], [2, 1], [2, 2], [3, 2, 1]]

const KIB = 1024
const MIB = 1024 * KIB

/** The sizes of which everything is tried. */
function smallSizes(dtype: DType): number[] {
  return [0, 1, 1021, (4 * KIB) / widthOf(dtype), (64 * KIB) / widthOf(dtype)]
}

/** All of a shape's small cases, those with the same inputs beside each other. */
export function smallCases(groups: readonly number[]): Case[] {
  return DTYPES.flatMap((dtype) => [
    ...smallSizes(dtype).flatMap((elements) => [
      ...reductions(groups, dtype, elements),
      ...moves(groups, dtype, elements),
    ]),
    ...specials(groups, dtype),
  ])
}

/** f32 alone is narrowed on the wire, and only when it is reduced. */
export function narrowCases(groups: readonly number[]): Case[] {
  const sizes = smallSizes('f32').flatMap((elements) => reductions(groups, 'f32', elements))
  return [...sizes, ...specials(groups, 'f32')]
}

function reductions(groups: readonly number[], dtype: DType, elements: number): Case[] {
  return opsOf(dtype).flatMap((op) =>
    patternsOf(op).flatMap((pattern) => calls(groups, true, { op, dtype, elements, pattern })),
  )
}

function moves(groups: readonly number[], dtype: DType, elements: number): Case[] {
  return calls(groups, false, { op: 'sum', dtype, elements, pattern: 'bits' })
}

/** C1: NaN wins, −0 < +0, denormals survive, in every collective that looks at them. */
function specials(groups: readonly number[], dtype: DType): Case[] {
  if (!isFloat(dtype)) return []
  // Of the pieces of reduceScatter only the whole has all pairs.
  const elements = SPECIALS * SPECIALS * 3
  return opsOf(dtype).flatMap((op) =>
    calls(groups, true, { op, dtype, elements, pattern: 'special' }),
  )
}

function opsOf(dtype: DType): readonly Op[] {
  return OPS.filter((op) => op !== 'avg' || isFloat(dtype))
}

function patternsOf(op: Op): readonly Pattern[] {
  return op === 'prod' ? ['twos', 'random'] : ['whole', 'random']
}

type Kind = Pick<Case, 'op' | 'dtype' | 'elements' | 'pattern'>

function calls(groups: readonly number[], reducing: boolean, kind: Kind): Case[] {
  return CALLS.filter((call) => isReduction(call) === reducing)
    .flatMap((call) => placesOf(call).map((inPlace) => ({ call, inPlace })))
    .map(({ call, inPlace }, index) => ({
      ...kind,
      call,
      inPlace,
      root: (index + kind.elements) % sizeOf(groups),
      seed: kind.elements % 97,
      // In place and not, both kinds of memory come up with either.
      memory: (index + (index >> 1)) % 2 === 0 ? 'shared' : 'plain',
    }))
}

/** What is one buffer anyway, or two of different ranks, has one way. */
function placesOf(call: CallName): readonly boolean[] {
  return call === 'broadcast' || call === 'sendRecv' ? [false] : [false, true]
}

/** A large case and the shape it is for. */
export interface LargeCase {
  readonly groups: readonly number[]
  readonly given: Case
}

/** Pairwise over what there is, as all of it would take hours. */
export function largeCases(
  sizes: readonly number[],
  divisions: readonly (readonly number[])[],
): LargeCase[] {
  const shapes = divisions.map((groups) => groups.join('+'))
  const places = [true, false]
  const dimensions = { call: CALLS, op: OPS, dtype: DTYPES, shape: shapes, inPlace: places }
  const chosen = pairwise(
    { ...dimensions, bytes: sizes },
    ({ call, op, dtype, inPlace }) =>
      opsOf(dtype).includes(op) &&
      (isReduction(call) || op === 'sum') &&
      placesOf(call).includes(inPlace),
  )
  return chosen.map(({ shape, bytes, ...kind }, index) => {
    const groups = shape.split('+').map(Number)
    // No multiple of anything that work is cut by.
    const elements = bytes / widthOf(kind.dtype) + 7
    const pattern = isReduction(kind.call) ? patternsOf(kind.op)[index % 2] : 'bits'
    const memory = index % 3 === 0 ? 'plain' : 'shared'
    const root = index % sizeOf(groups)
    return { groups, given: { ...kind, elements, pattern, memory, root, seed: index } }
  })
}

/** More than one chunk of a link, and of a thread's work. */
export const LARGE_SIZES = [MIB / 2]
export const LARGER_SIZES = [MIB, 4 * MIB, 16 * MIB]
export const LARGEST_SIZES = [MIB, 4 * MIB, 64 * MIB]
