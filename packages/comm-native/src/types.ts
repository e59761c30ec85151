import type { Data, DType } from './dtype.js'
import type { Op } from './op.js'
import type { Trunk, TrunkOptions } from './trunk.js'

/** `vendor:ordinal`, e.g. `cpu:0`. */
export interface DeviceAddress {
  readonly vendor: string
  readonly ordinal: number
}

/**
 * A named, 64-byte aligned piece of shared memory that a device context owns.
 * It may be sent in messages; the native core pins it while it is in use, so a
 * dead worker's memory stays valid until the last native user has left.
 */
export interface Region {
  readonly name: string
  readonly buffer: SharedArrayBuffer
  /** Where the aligned part starts; V8 gives no alignment promise. */
  readonly byteOffset: number
  readonly byteLength: number
}

/** The native handle a device actor owns. */
export interface DeviceContext {
  readonly device: DeviceAddress
  /** Allocates, aligns, registers and pins; the name is unique in the context. */
  allocate(name: string, byteLength: number): Region
  /** Unregisters everything. Regions stay readable by who still holds them. */
  dispose(): void
}

/** A bucket's operation: what all members must agree on before any data moves (C3). */
export interface Signature {
  readonly sequence: number
  readonly op: Op
  readonly dtype: DType
  /** Elements. */
  readonly count: number
  /** First element, in the member's region. */
  readonly offset: number
  readonly generation: number
}

export interface CommunicatorOptions {
  readonly generation: number
  /** Names of the ranks, for errors: `cpu:0`. */
  readonly members: readonly string[]
  /**
   * The memory that buckets lie in, of each rank of this process, one region for each dtype in
   * use. Not needed for members' own calls.
   */
  readonly regions?: readonly Readonly<Partial<Record<DType, Region>>>[]
  /** An operation that has been waited for this long fails, and names who has not done their part. */
  readonly deadlineMs: number
  /**
   * Sizes of the groups that the members are divided into, in their order; all in one when not
   * given. A reduction combines each group's members first and then the groups' results.
   */
  readonly groups?: readonly number[]
  /**
   * Where only one of the groups is in this process: which one, and by group the ways to the
   * others. Their processes make communicators of the same members, groups and generation.
   */
  readonly span?: { readonly group: number; readonly trunks: readonly (Trunk | undefined)[] }
  /** Between groups the parts of f32 reductions are rounded to bf16, as on a wire of half the bytes. Default `f32`. */
  readonly wire?: 'f32' | 'bf16'
  /**
   * How long a call may keep its thread while it waits for the others, before it becomes
   * asynchronous. Default 0.2 ms, or 1 ms of yielding where members outnumber processors.
   */
  readonly patienceMs?: number
}

/** Plain data that lets another thread join; sent in a message. */
export interface CommunicatorTicket {
  readonly implementation: 'native' | 'typescript'
  readonly id: number
  readonly generation: number
  readonly members: readonly string[]
  /** Control words of the TypeScript implementation, and the ranks' regions; absent for the native one. */
  readonly control?: SharedArrayBuffer
  readonly regions?: readonly Readonly<Partial<Record<DType, Region>>>[]
  readonly groups?: readonly number[]
  readonly deadlineMs?: number
}

/** The leader's end. Its calls never block the JS thread. */
export interface Communicator {
  readonly ticket: CommunicatorTicket
  /**
   * Issues a bucket: one in-place allreduce over all ranks' regions. Buckets run
   * in the order of their sequence numbers (0, 1, 2 … within the communicator).
   * Starts, off this thread, when every member has marked it ready; resolves
   * when every region holds the result, combined in rank order.
   *
   * @throws SIGNATURE_MISMATCH (fields: who differs, in what), DEADLINE_EXCEEDED
   * (fields: missing members), PEER_DOWN (fields: members that left before
   * they marked it), COMMUNICATOR_ABORTED (fields: cause). After these the
   * communicator is aborted for good. Input that is refused before it is
   * issued (BAD_ARGUMENT, UNSUPPORTED_DTYPE, UNSUPPORTED_OP) harms nothing.
   */
  allreduce(signature: Signature): Promise<void>
  /** Sticky; wakes every wait. Safe at any time, from any thread that holds the ticket. */
  abort(cause: string): void
  /** Aborts, waits until native threads have left the memory, unpins it. */
  dispose(): Promise<void>
}

/**
 * A device's end, in the device's thread.
 *
 * The collectives are called by all members in the same order, as in MPI. A
 * call does its share in the calling thread while the others keep pace, which
 * for small data costs less than any message; where they do not, or the data
 * is large, it goes on without this thread. Data is any typed array, shared
 * or not; it is pinned while in use and not to be touched before the promise
 * has settled, nor after it was rejected (threads that were late may still
 * write to it: drop it with the generation). Buffers may be the same (in
 * place) but not overlap otherwise.
 *
 * Sums of f16 and bf16 are accumulated in fp32 and rounded once in a group;
 * integers wrap; `avg` of integers is refused; NaN wins in `min` and `max`.
 * All members end with identical bits (C2).
 *
 * Every call rejects with SIGNATURE_MISMATCH, DEADLINE_EXCEEDED, PEER_DOWN or LINK_LOST
 * when the communicator was aborted by what happened in it, with
 * COMMUNICATOR_ABORTED when by something else, and with BAD_ARGUMENT,
 * UNSUPPORTED_DTYPE or UNSUPPORTED_OP, harmlessly, when it was refused.
 */
export interface Membership {
  readonly rank: number
  /** How many members there are, in all groups. */
  readonly size: number
  /**
   * recv[i] = op over all members' send[i]; in place when `recv` is not given. In the `background`
   * it goes on beside whatever this thread computes, however small it is.
   */
  allreduce(call: ReduceCall & { readonly background?: boolean }): Promise<void>
  /** As `allreduce`, on `root` alone; the others' `recv` is not used. */
  reduce(call: ReduceCall & RootedCall): Promise<void>
  /** Everyone's `data` becomes `root`'s. */
  broadcast(call: RootedCall & { readonly data: Data; readonly dtype?: DType }): Promise<void>
  /** recv = all members' send, in rank order; in place when `send` is this rank's piece of it. */
  allgather(call: MoveCall): Promise<void>
  /** recv = this rank's piece of the reduction of all members' send. */
  reduceScatter(call: MoveCall & { readonly op?: Op }): Promise<void>
  /** Piece r of send goes to rank r; piece r of recv came from rank r. */
  allToAll(call: {
    readonly send: Data
    readonly recv?: Data
    readonly dtype?: DType
  }): Promise<void>
  /** `root`'s recv = all members' send, in rank order. */
  gather(call: RootedCall & Partial<MoveCall> & { readonly send: Data }): Promise<void>
  /** recv = this rank's piece of `root`'s send. */
  scatter(call: RootedCall & Partial<MoveCall> & { readonly recv: Data }): Promise<void>
  /** Resolves when all members have called it. */
  barrier(): Promise<void>
  /** To one member, which must `receive` as much; messages of a pair arrive in order. */
  send(call: { readonly to: number; readonly data: Data; readonly dtype?: DType }): Promise<void>
  receive(call: {
    readonly from: number
    readonly data: Data
    readonly dtype?: DType
  }): Promise<void>
  /**
   * Marks this rank's part of a bucket as ready; returns at once. Without
   * effect after an abort or after `leave`.
   *
   * @throws BAD_ARGUMENT when 256 marked operations have not run yet
   */
  ready(signature: Signature): void
  /** The sticky cause, once the communicator was aborted. */
  readonly aborted: string | undefined
  /** Lets go of the memory; an operation still waiting for this rank fails by name. */
  leave(): void
}

export interface ReduceCall {
  readonly send: Data
  readonly recv?: Data
  /** Default `sum`. */
  readonly op?: Op
  /** Needed to tell bf16 from f16, the default of a Uint16Array. */
  readonly dtype?: DType
}

export interface MoveCall {
  readonly send: Data
  readonly recv: Data
  readonly dtype?: DType
}

export interface RootedCall {
  readonly root: number
}

/**
 * Arithmetic on the flat vectors. Both implementations give the same bits:
 * IEEE fp32, round to nearest, no contraction into FMA, in index order.
 * Views need not be aligned; lengths must match or BAD_ARGUMENT is thrown.
 */
export interface Kernels {
  /** into[i] = parts[0][i] + parts[1][i] + … in that order; into may be one of the parts. i64 wraps. */
  sumF32(into: Float32Array, parts: readonly Float32Array[]): void
  sumI64(into: BigInt64Array, parts: readonly BigInt64Array[]): void
  /**
   * Adds round-to-nearest-even(values[i] × 2^exponent) to sums[i].
   * Returns the largest |values[i]|; NaN or Infinity when any value is not finite or any
   * |values[i] × 2^exponent| exceeds 2^52 (then `sums` is unspecified and the step is run again).
   */
  quantise(sums: BigInt64Array, values: Float32Array, exponent: number): number
  /** into[i] = fp32(sums[i] × 2^−exponent): one rounding. */
  dequantise(into: Float32Array, sums: BigInt64Array, exponent: number): void
  /**
   * SGD with momentum and decoupled-from-nothing (classic L2) weight decay:
   *   g = sum[i] / count;  g = g + weightDecay·w;  v' = momentum·v + g;  w' = w − learningRate·v'
   * every operation rounded to fp32. Reads w, v, sum; writes nextW, nextV (the second buffer), and
   * adds the digest of these two, of elements 0 and on. Many elements are shared out over the
   * processors; the bits are the same.
   */
  sgd(step: SgdStep): void
  /**
   * Adds to `into` what a state is known by: two sums, modulo 2^64, of one product for each element,
   * and how many elements of `state` are not finite. With s and v the bits of state[i] and
   * velocity[i] (0 without a velocity) and n = first + i + 1, the sums add
   * (s + n·A mod 2^32) · (v + n·B mod 2^32), for A, B = 0x9e3779b1, 0x85ebca6b and
   * 0xc2b2ae35, 0x27d4eb2f. Parts of a state may be added in any order. That is NH
   * (doi:10.1007/3-540-48405-1_14), for accidents, not against forgers.
   */
  digest(
    into: DigestWords,
    state: Float32Array,
    velocity: Float32Array | undefined,
    first: number,
  ): void
  /** next[i] = (1 − momentum)·running[i] + momentum·(sum[i] / count), each operation rounded to fp32. */
  runningStatistic(
    next: Float32Array,
    running: Float32Array,
    sum: Float32Array,
    count: number,
    momentum: number,
  ): void
}

/** Two sums and the number of elements that are not finite; 0 at first. */
export type DigestWords = BigUint64Array

export interface SgdStep {
  readonly weights: Float32Array
  readonly velocity: Float32Array
  readonly sum: Float32Array
  readonly nextWeights: Float32Array
  readonly nextVelocity: Float32Array
  readonly count: number
  readonly learningRate: number
  readonly momentum: number
  readonly weightDecay: number
  readonly digest: DigestWords
}

/** One implementation of the surface: native, or TypeScript when no compiler was there. */
export interface CommBackend {
  readonly implementation: 'native' | 'typescript'
  /** For the log: compiler and instruction set, or why the fallback runs. */
  readonly description: string
  readonly kernels: Kernels
  openContext(device: DeviceAddress): DeviceContext
  createCommunicator(options: CommunicatorOptions): Communicator
  joinCommunicator(ticket: CommunicatorTicket, rank: number): Membership
  /** Aborts by ticket, from any thread. */
  abortCommunicator(ticket: CommunicatorTicket, cause: string): void
  /**
   * Not yet attached to anything; it lives until `close`.
   *
   * @throws NATIVE_LOAD_FAILED without the native core, BAD_ARGUMENT
   */
  openTrunk(options?: TrunkOptions): Trunk
}
