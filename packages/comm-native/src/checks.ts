import { KaitianError } from '@kaitian/errors'
import { DTYPES, ELEMENT_BYTES, isFloat, type DType } from './dtype.js'
import { OPS, type Op } from './op.js'
import type { TrunkOptions } from './trunk.js'
import type { CommunicatorOptions, Region, Signature } from './types.js'

/**
 * Arguments are checked here, once for both implementations, so that they
 * refuse the same input with the same words and the native code may trust
 * what it is given.
 */

/** A rank may mark this many operations before the first of them has run. */
export const OPERATIONS_AHEAD = 256

/** As long as Node.js's own timers; longer ones would overflow on the way to nanoseconds. */
export const LONGEST_DEADLINE_MS = 2 ** 31 - 1

export function refuse(sentence: string, fields: Record<string, unknown> = {}): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}

export function checkNatural(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    refuse(`${name} must be an integer ≥ 0, not ${String(value)}.`, { [name]: value })
  }
}

/** Refuses by name what cannot be carried, never does it wrong (C1). */
export function checkDType(dtype: unknown): void {
  if (DTYPES.includes(dtype as DType)) return
  throw new KaitianError(
    'UNSUPPORTED_DTYPE',
    `The element type '${String(dtype)}' is not supported; use one of ${DTYPES.join(', ')}.`,
    { fields: { dtype } },
  )
}

/** The mean of integers is none, and rounding it would hide that. */
export function checkOp(op: unknown, dtype: DType): void {
  if (OPS.includes(op as Op) && (op !== 'avg' || isFloat(dtype))) return
  const advice = op === 'avg' ? `use 'sum' for ${dtype} and divide` : `use one of ${OPS.join(', ')}`
  throw new KaitianError(
    'UNSUPPORTED_OP',
    `The operation '${String(op)}' is not supported for ${dtype}; ${advice}.`,
    { fields: { op, dtype } },
  )
}

export function checkSignature(signature: Signature): void {
  checkDType(signature.dtype)
  checkOp(signature.op, signature.dtype)
  checkNatural('sequence', signature.sequence)
  checkNatural('count', signature.count)
  checkNatural('offset', signature.offset)
  checkNatural('generation', signature.generation)
}

/** What an issued operation is checked against. */
export interface Room {
  readonly member: string
  /** Elements of each region. */
  readonly elements: Readonly<Partial<Record<DType, number>>>
}

/** Sizes instead of regions: who keeps these keeps nobody's memory alive. */
export function roomsOf(options: CommunicatorOptions): Room[] {
  const members = membersHere(options)
  const none: Partial<Record<DType, Region>> = {}
  const regions = options.regions ?? members.map(() => none)
  return regions.map((byType, rank) => {
    const elements: Partial<Record<DType, number>> = {}
    for (const dtype of DTYPES) {
      const region = byType[dtype]
      if (region) elements[dtype] = Math.floor(region.byteLength / ELEMENT_BYTES[dtype])
    }
    return { member: members[rank], elements }
  })
}

/** An operation that does not fit the regions is refused before it is issued. */
export function checkIssue(rooms: readonly Room[], signature: Signature, due: number): void {
  checkSignature(signature)
  const { sequence, dtype, offset, count } = signature
  if (sequence !== due) {
    refuse(`Operations are issued in sequence: ${due} is due, not ${sequence}.`, { sequence, due })
  }
  for (const { member, elements } of rooms) {
    const room = elements[dtype]
    if (room === undefined) {
      refuse(`${member} has no ${dtype} region; give one in the communicator's options.`)
    }
    if (offset + count <= room) continue
    refuse(
      `${member}'s ${dtype} region holds ${room} elements; ${offset} to ${offset + count} lies outside.`,
      { member, dtype, room, offset, count },
    )
  }
}

export function checkRegion(label: string, region: Region, dtype: DType): void {
  if (!(region.buffer instanceof SharedArrayBuffer)) {
    refuse(`${label} must lie in a SharedArrayBuffer; allocate it with a device context.`)
  }
  checkNatural('byteOffset', region.byteOffset)
  checkNatural('byteLength', region.byteLength)
  if (region.byteOffset + region.byteLength > region.buffer.byteLength) {
    refuse(`${label} reaches past the end of its buffer.`)
  }
  if (region.byteOffset % ELEMENT_BYTES[dtype] !== 0) {
    refuse(
      `${label} starts at byte ${region.byteOffset}, which is no multiple of ${ELEMENT_BYTES[dtype]}.`,
    )
  }
}

export function checkCommunicator(options: CommunicatorOptions): void {
  const { regions, deadlineMs, generation } = options
  checkNatural('generation', generation)
  if (options.members.length === 0) {
    refuse('members is empty; a communicator needs at least one rank.')
  }
  checkGroups(options)
  const members = membersHere(options)
  if (regions !== undefined && regions.length !== members.length) {
    refuse(`There are ${members.length} members but ${regions.length} entries in regions.`)
  }
  if (!(deadlineMs > 0 && deadlineMs <= LONGEST_DEADLINE_MS)) {
    refuse(`deadlineMs must be above 0 and at most 24 days, not ${String(deadlineMs)}.`, {
      deadlineMs,
    })
  }
  for (const dtype of DTYPES) {
    regions?.forEach((byType, rank) => {
      const region = byType[dtype]
      if (region !== undefined) checkRegion(`${members[rank]}'s ${dtype} region`, region, dtype)
    })
    checkApart(options, dtype)
  }
}

/** Names of this process's ranks. */
export function membersHere({ members, groups, span }: CommunicatorOptions): readonly string[] {
  if (span === undefined || groups === undefined) return members
  const first = groups.slice(0, span.group).reduce((sum, size) => sum + size, 0)
  return members.slice(first, first + groups[span.group])
}

function checkSpan({ groups, span }: CommunicatorOptions): void {
  if (span === undefined) return
  const count = groups?.length ?? 1
  if (!Number.isInteger(span.group) || span.group < 0 || span.group >= count) {
    refuse(`span.group must be one of 0..${count - 1}, not ${String(span.group)}.`)
  }
  for (let group = 0; group < count; group++) {
    if (group === span.group || span.trunks[group] !== undefined) continue
    refuse(`span.trunks has no way to group ${group}; open a trunk to each other group.`)
  }
}

function checkGroups(options: CommunicatorOptions): void {
  const { members, groups, patienceMs } = options
  checkSpan(options)
  if (patienceMs !== undefined && !(patienceMs >= 0 && patienceMs <= LONGEST_DEADLINE_MS)) {
    refuse(`patienceMs must be at least 0, not ${String(patienceMs)}.`, { patienceMs })
  }
  if (groups === undefined) return
  for (const size of groups) {
    if (!Number.isInteger(size) || size < 1) refuse(`A group has ${String(size)} members.`)
  }
  const sum = groups.reduce((total, size) => total + size, 0)
  if (sum !== members.length) {
    refuse(`The groups hold ${sum} members, but there are ${members.length}.`, { groups })
  }
}

/**
 * Sees only regions of one buffer object; the native core, which knows
 * addresses, also refuses two objects over the same memory.
 */
function checkApart(options: CommunicatorOptions, dtype: DType): void {
  const members = membersHere(options)
  const { regions = [] } = options
  const found = regions.flatMap((byType, rank) => {
    const region = byType[dtype]
    return region === undefined ? [] : [{ member: members[rank], region }]
  })
  found.forEach(({ member, region }, index) => {
    const other = found.slice(0, index).find((earlier) => overlap(earlier.region, region))
    if (other === undefined) return
    refuse(`${member} and ${other.member} share memory; give each rank a region of its own.`)
  })
}

function overlap(one: Region, other: Region): boolean {
  return (
    one.buffer === other.buffer &&
    one.byteOffset < other.byteOffset + other.byteLength &&
    other.byteOffset < one.byteOffset + one.byteLength
  )
}

export function checkRank(members: readonly string[], rank: number): void {
  if (Number.isInteger(rank) && rank >= 0 && rank < members.length) return
  refuse(`rank must be one of 0..${members.length - 1}, not ${String(rank)}.`, { rank })
}

export function checkAllocation(name: string, byteLength: number, taken: boolean): void {
  if (name === '') refuse('A region needs a name.')
  checkNatural('byteLength', byteLength)
  if (taken) refuse(`The context already has a region '${name}'; choose another name.`, { name })
}

/** Of a trunk: the widest element. */
const SMALLEST_CHUNK = 8
const LARGEST_CHUNK = 1024 * 1024
/** Of 1 MiB each they would take 64 GiB: who asks for more has mistaken the unit. */
const LARGEST_WINDOW = 65_536

/** @throws BAD_ARGUMENT */
export function checkTrunk(options: TrunkOptions): Required<TrunkOptions> {
  const { chunkBytes = 256 * 1024, window = 16, keepAliveMs = 1000, silenceMs = 10_000 } = options
  checkWithin('chunkBytes', chunkBytes, LARGEST_CHUNK, SMALLEST_CHUNK)
  checkWithin('window', window, LARGEST_WINDOW)
  checkWithin('keepAliveMs', keepAliveMs, LONGEST_DEADLINE_MS)
  checkWithin('silenceMs', silenceMs, LONGEST_DEADLINE_MS)
  if (silenceMs <= keepAliveMs) {
    refuse(
      `silenceMs must be above keepAliveMs, ${keepAliveMs}, not ${silenceMs}: a peer with nothing to say would be lost.`,
      { keepAliveMs, silenceMs },
    )
  }
  return { chunkBytes, window, keepAliveMs, silenceMs }
}

function checkWithin(name: string, value: number, most: number, least = 1): void {
  checkNatural(name, value)
  if (value >= least && value <= most) return
  refuse(`${name} must be ${least} to ${most}, not ${value}.`, { [name]: value })
}
