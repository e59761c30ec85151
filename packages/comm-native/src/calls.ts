import { KaitianError } from '@kaitian/errors'
import { checkDType, checkOp } from './checks.js'
import type { Collective } from './collective.js'
import { dtypesOf, type Data, type DType } from './dtype.js'
import type { Op } from './op.js'
import type { Membership, MoveCall, ReduceCall, RootedCall } from './types.js'

/** A member's call, checked: what it does, to how many elements, with which memory. */
export interface Call {
  readonly collective: Collective
  readonly op: Op
  readonly dtype: DType
  /** Elements: of the whole, or of one rank's piece where ranks have pieces. */
  readonly count: number
  readonly root: number
  readonly send: Data | undefined
  readonly recv: Data | undefined
  /** The member's thread does not wait for it. */
  readonly background?: boolean
}

type Seat = Pick<Membership, 'rank' | 'size'>

export function allreduceCall(reduce: ReduceCall & { readonly background?: boolean }): Call {
  const { send, recv = send, op, dtype, background = false } = reduce
  const call = reduction('allreduce', { send, recv, op, dtype, count: send?.length, root: 0 })
  return background ? { ...call, background } : call
}

export function reduceCall(seat: Seat, call: ReduceCall & RootedCall): Call {
  const { send, root, op, dtype } = call
  checkRoot(seat, root)
  const recv = seat.rank === root ? (call.recv ?? send) : undefined
  return reduction('reduce', { send, recv, op, dtype, count: send?.length, root })
}

export function reduceScatterCall(seat: Seat, call: MoveCall & { readonly op?: Op }): Call {
  const { send, recv, op, dtype } = call
  checkPieces(seat, 'send', send, 'recv', recv)
  const { rank } = seat
  return reduction('reduceScatter', { send, recv, op, dtype, count: recv.length, root: 0, rank })
}

export function broadcastCall(
  seat: Seat,
  { root, data, dtype }: RootedCall & { readonly data: Data; readonly dtype?: DType },
): Call {
  checkRoot(seat, root)
  return move('broadcast', { send: data, recv: data, dtype, count: data?.length, root })
}

export function allgatherCall(seat: Seat, { send, recv, dtype }: MoveCall): Call {
  checkPieces(seat, 'recv', recv, 'send', send)
  return move('allgather', { send, recv, dtype, count: send.length, root: 0, rank: seat.rank })
}

export function allToAllCall(
  seat: Seat,
  { send, recv = send, dtype }: { send: Data; recv?: Data; dtype?: DType },
): Call {
  const { size } = seat
  if (send?.length % size !== 0) {
    refuse(`send has ${send?.length} elements, which are no ${size} equal pieces.`)
  }
  checkSame(send, recv)
  return move('allToAll', { send, recv, dtype, count: send.length / size, root: 0 })
}

export function gatherCall(seat: Seat, call: RootedCall & Partial<MoveCall>): Call {
  const { root, send, dtype } = call
  checkRoot(seat, root)
  const recv = seat.rank === root ? call.recv : undefined
  if (seat.rank === root) checkPieces(seat, 'recv', recv, 'send', send)
  return move('gather', { send, recv, dtype, count: send?.length, root, rank: seat.rank })
}

export function scatterCall(seat: Seat, call: RootedCall & Partial<MoveCall>): Call {
  const { root, recv, dtype } = call
  checkRoot(seat, root)
  const send = seat.rank === root ? call.send : undefined
  if (seat.rank === root) checkPieces(seat, 'send', send, 'recv', recv)
  return move('scatter', { send, recv, dtype, count: recv?.length, root, rank: seat.rank })
}

export const BARRIER: Call = {
  collective: 'barrier',
  op: 'sum',
  dtype: 'u8',
  count: 0,
  root: 0,
  send: undefined,
  recv: undefined,
}

/** One end of a message between two ranks. */
export function messageCall(
  seat: Seat,
  peer: number,
  { data, dtype }: { data: Data; dtype?: DType },
  end: 'send' | 'recv',
): Call {
  checkPeer(seat, peer)
  const ends = { send: undefined, recv: undefined, [end]: data }
  return move('sendRecv', { ...ends, dtype, count: data?.length, root: 0 })
}

interface Parts {
  readonly send: Data | undefined
  readonly recv: Data | undefined
  readonly op?: Op | undefined
  readonly dtype: DType | undefined
  readonly count: number | undefined
  readonly root: number
  /** Where ranks have pieces. */
  readonly rank?: number
}

function reduction(collective: Collective, parts: Parts): Call {
  const { op = 'sum' } = parts
  const call = move(collective, parts)
  checkOp(op, call.dtype)
  if (collective !== 'reduceScatter' && call.recv !== undefined) checkSame(call.send, call.recv)
  return op === 'sum' ? call : { ...call, op }
}

function move(collective: Collective, parts: Parts): Call {
  const { send, recv, count, root, rank = 0 } = parts
  const dtype = agreedDType(send ?? recv, parts.dtype)
  if (send !== undefined && recv !== undefined && send !== recv) {
    if (!dtypesOf(recv).includes(dtype)) refuse(`recv does not hold ${dtype}, as send does.`)
    checkApart(send, recv, rank)
  }
  return { collective, op: 'sum', dtype, count: count!, root, send, recv }
}

function agreedDType(data: unknown, wanted: DType | undefined): DType {
  const possible = dtypesOf(data)
  if (possible.length === 0) {
    refuse('A typed array is needed: of floats, of 16-bit patterns, or of integers as DTYPES say.')
  }
  if (wanted === undefined) return possible[0]
  checkDType(wanted)
  if (!possible.includes(wanted)) {
    refuse(`The array holds ${possible.join(' or ')}, not ${wanted}.`, { dtype: wanted })
  }
  return wanted
}

function checkRoot({ size }: Seat, root: number): void {
  if (Number.isInteger(root) && root >= 0 && root < size) return
  refuse(`root must be one of 0..${size - 1}, not ${String(root)}.`, { root })
}

function checkPeer(seat: Seat, peer: number): void {
  const others = Number.isInteger(peer) && peer >= 0 && peer < seat.size
  if (!others) refuse(`A rank is one of 0..${seat.size - 1}, not ${String(peer)}.`, { peer })
  if (peer === seat.rank) refuse('A member cannot send to itself; copy the array.', { peer })
}

function checkPieces(
  { size }: Seat,
  whole: string,
  all: Data | undefined,
  piece: string,
  one: Data | undefined,
): void {
  if (all !== undefined && one !== undefined && all.length === one.length * size) return
  refuse(
    `${whole} must have ${size} times the elements of ${piece}, but they have ${String(all?.length)} and ${String(one?.length)}.`,
    { [whole]: all?.length, [piece]: one?.length },
  )
}

function checkSame(send: Data | undefined, recv: Data | undefined): void {
  if (send?.length === recv?.length) return
  refuse(`send has ${String(send?.length)} elements, recv ${String(recv?.length)}.`, {
    send: send?.length,
    recv: recv?.length,
  })
}

/**
 * In place means the very same memory, or this rank's own piece of the whole; with any other
 * overlap, results would depend on the order in which pieces are worked on.
 */
function checkApart(send: Data, recv: Data, rank: number): void {
  if (send.buffer !== recv.buffer) return
  const distance = recv.byteOffset - send.byteOffset
  const apart = distance >= send.byteLength || -distance >= recv.byteLength
  if (apart || distance === distanceInPlace(send, recv, rank)) return
  refuse(
    "recv overlaps send, but neither is it the same memory nor one this rank's piece of the other; keep them apart.",
  )
}

function distanceInPlace(send: Data, recv: Data, rank: number): number {
  if (send.byteLength === recv.byteLength) return 0
  return send.byteLength > recv.byteLength ? rank * recv.byteLength : -rank * send.byteLength
}

function refuse(sentence: string, fields: Record<string, unknown> = {}): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}
