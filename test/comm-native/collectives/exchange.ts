import type { Data, Membership } from '@kaitian/comm-native'
import { Arena } from './arena.js'
import { countOf, sizeOf, type Case, type Seat } from './case.js'
import { fillInput, part, type Input } from './inputs.js'

/** Where a stretch of a buffer comes from. */
export interface Stretch {
  readonly at: number
  readonly length: number
  /** All ranks, reduced, or one rank's input. */
  readonly of: 'all' | number
  /** In the input. */
  readonly from: number
}

/** A buffer of one rank and what it must hold after the call. */
export interface Outcome {
  readonly what: 'send' | 'recv'
  readonly data: Data
  readonly stretches: readonly Stretch[]
}

/** A call that is ready to be made. */
export interface Exchange {
  readonly given: Case
  readonly input: Input
  /** The one whose bits all ranks must share comes first. */
  readonly outcomes: readonly Outcome[]
  readonly arenas: readonly Arena[]
  call(membership: Membership): Promise<unknown>
}

interface Buffers {
  readonly send: Data | undefined
  readonly recv: Data | undefined
}

/** How a call lays out a rank's memory, in elements; `undefined` is a buffer that it has not. */
interface Layout {
  readonly send: number | undefined
  readonly recv: number | undefined
  /** In place, the other is the rank's piece of this one. */
  readonly whole?: 'send' | 'recv'
}

export function prepare(given: Case, seat: Seat, arenas: readonly [Arena, Arena]): Exchange {
  const ranks = sizeOf(seat.groups)
  const { dtype, pattern, seed } = given
  const input: Input = { pattern, dtype, seed, ranks }
  const count = countOf(given, ranks)
  const layout = layoutOf(given, seat.rank, count, ranks)
  const buffers = allocate(given, seat.rank, count, layout, arenas)
  const { send, recv } = buffers
  if (send !== undefined) fillInput(input, seat.rank, 0, send)
  const outcomes: Outcome[] = []
  if (recv !== undefined) {
    outcomes.push({ what: 'recv', data: recv, stretches: received(given, seat.rank, count, ranks) })
  }
  const kept = send === undefined ? [] : keptOf(given, seat.rank, count, layout, send.length)
  if (send !== undefined) outcomes.push({ what: 'send', data: send, stretches: kept })
  return { given, input, outcomes, arenas, call: (membership) => start(given, buffers, membership) }
}

function layoutOf({ call, root }: Case, rank: number, n: number, ranks: number): Layout {
  const isRoot = rank === root
  switch (call) {
    case 'allreduce':
    case 'broadcast':
    case 'sendRecv':
      return { send: n, recv: n }
    case 'reduce':
      return { send: n, recv: isRoot ? n : undefined }
    case 'allgather':
      return { send: n, recv: n * ranks, whole: 'recv' }
    case 'reduceScatter':
      return { send: n * ranks, recv: n, whole: 'send' }
    case 'allToAll':
      return { send: n * ranks, recv: n * ranks }
    case 'gather':
      return isRoot ? { send: n, recv: n * ranks, whole: 'recv' } : { send: n, recv: undefined }
    case 'scatter':
      return isRoot ? { send: n * ranks, recv: n, whole: 'send' } : { send: undefined, recv: n }
  }
}

function allocate(
  given: Case,
  rank: number,
  count: number,
  { send, recv, whole }: Layout,
  [first, second]: readonly [Arena, Arena],
): Buffers {
  const { dtype, seed, call } = given
  const take = (arena: Arena, length: number | undefined, shift: number): Data | undefined =>
    length === undefined ? undefined : arena.take(dtype, length, shift)
  const inPlace = call === 'broadcast' || (given.inPlace && call !== 'sendRecv')
  if (!inPlace || send === undefined || recv === undefined) {
    return { send: take(first, send, seed % 3), recv: take(second, recv, (seed + rank) % 4) }
  }
  const all = first.take(dtype, Math.max(send, recv), seed % 3)
  const piece = whole === undefined ? all : part(dtype, all, rank * count, count)
  return { send: whole === 'recv' ? piece : all, recv: whole === 'send' ? piece : all }
}

function received({ call, root }: Case, rank: number, n: number, ranks: number): Stretch[] {
  const pieces = (from: number): Stretch[] =>
    Array.from({ length: ranks }, (_, of) => ({ at: of * n, length: n, of, from }))
  switch (call) {
    case 'allreduce':
    case 'reduce':
      return [{ at: 0, length: n, of: 'all', from: 0 }]
    case 'reduceScatter':
      return [{ at: 0, length: n, of: 'all', from: rank * n }]
    case 'broadcast':
      return [{ at: 0, length: n, of: root, from: 0 }]
    case 'allgather':
    case 'gather':
      return pieces(0)
    case 'allToAll':
      return pieces(rank * n)
    case 'scatter':
      return [{ at: 0, length: n, of: root, from: rank * n }]
    case 'sendRecv':
      return [{ at: 0, length: n, of: (rank + ranks - 1) % ranks, from: 0 }]
  }
}

/** Of what is sent, all stays as it was but what is also received. */
function keptOf(given: Case, rank: number, n: number, layout: Layout, length: number): Stretch[] {
  const own = (at: number, to: number): Stretch => ({ at, length: to - at, of: rank, from: at })
  const { call, inPlace } = given
  const apart = layout.recv === undefined || !inPlace || call === 'sendRecv'
  if (call === 'broadcast') return []
  if (apart) return [own(0, length)]
  if (layout.whole !== 'send') return []
  return [own(0, rank * n), own((rank + 1) * n, length)]
}

function start(given: Case, buffers: Buffers, membership: Membership): Promise<unknown> {
  const { call, op, dtype, root, inPlace } = given
  const send = buffers.send!
  const recv = buffers.recv!
  // In place may be said by leaving recv out, by the same array, or by another over its memory.
  const again = given.seed % 2 === 0 ? send : send?.subarray()
  const placed = !inPlace ? { send, recv } : given.seed % 3 === 0 ? { send } : { send, recv: again }
  switch (call) {
    case 'allreduce':
      return membership.allreduce({ ...placed, op, dtype })
    case 'reduce':
      return membership.reduce({ ...placed, op, dtype, root })
    case 'broadcast':
      return membership.broadcast({ data: send, dtype, root })
    case 'allgather':
      return membership.allgather({ send, recv, dtype })
    case 'reduceScatter':
      return membership.reduceScatter({ send, recv, op, dtype })
    case 'allToAll':
      return membership.allToAll({ ...placed, dtype })
    case 'gather':
      return membership.gather({ send, recv, dtype, root })
    case 'scatter':
      return membership.scatter({ send, recv, dtype, root })
    case 'sendRecv':
      return passOn(membership, send, recv, given)
  }
}

/** To the next rank and from the one before, both at once. */
function passOn(membership: Membership, send: Data, recv: Data, { dtype }: Case): Promise<unknown> {
  const { rank, size } = membership
  return Promise.all([
    membership.send({ to: (rank + 1) % size, data: send, dtype }),
    membership.receive({ from: (rank + size - 1) % size, data: recv, dtype }),
  ])
}
