import { OPERATIONS_AHEAD } from '../checks.js'
import type { Failure } from '../failure.js'
import { DTYPES } from '../dtype.js'
import { OPS } from '../op.js'
import type { Signature } from '../types.js'

/**
 * The control words of one communicator in shared memory: what the native core
 * keeps in its own objects. 32-bit cells, in this order:
 *
 *   header      abort state, bell, bytes of the failure, operations taken, operations done
 *   per rank    marked, state
 *   per rank    a ring of signatures (OPERATIONS_AHEAD slots)
 *   failure     its JSON, UTF-8
 *
 * A rank writes only its own cells; whoever carries an operation out writes `taken` and `done`;
 * whoever wins the abort word writes the failure. The bell counts events and is
 * what they sleep on.
 */

const ABORT = 0
const BELL = 1
const FAILURE_BYTES = 2
const TAKEN = 3
/** Operations that members carried out among themselves. */
const DONE = 4
const HEADER_CELLS = 5

const RANK_CELLS = 2
const MARKED = 0
const STATE = 1

const ALIVE = 0
const CLAIMED = 1
const PUBLISHED = 2

const ABSENT = 0
const JOINED = 1
const LEFT = 2

const SLOT_CELLS = 10
const RING_CELLS = SLOT_CELLS * OPERATIONS_AHEAD

/** A mismatch holds one signature for each rank, in about 150 bytes of JSON. */
const FAILURE_ROOM_PER_RANK = 256
const FAILURE_ROOM = 16_384
/** Leaves room for six-byte escapes of each character. */
const CAUSE_LENGTH = 2_000

const TWO_32 = 2 ** 32

export class Control {
  readonly buffer: SharedArrayBuffer
  readonly #cells: Int32Array
  readonly #ranks: number
  readonly #failure: Uint8Array

  constructor(ranks: number, buffer?: SharedArrayBuffer) {
    const cells = HEADER_CELLS + ranks * (RANK_CELLS + RING_CELLS)
    const room = FAILURE_ROOM + ranks * FAILURE_ROOM_PER_RANK
    this.buffer = buffer ?? new SharedArrayBuffer(cells * 4 + room)
    this.#cells = new Int32Array(this.buffer, 0, cells)
    this.#failure = new Uint8Array(this.buffer, cells * 4, room)
    this.#ranks = ranks
  }

  /** False when the rank had already joined: a rank has one member, or marks would interleave. */
  join(rank: number): boolean {
    const cell = this.#rankCell(rank) + STATE
    return Atomics.compareExchange(this.#cells, cell, ABSENT, JOINED) === ABSENT
  }

  leave(rank: number): void {
    Atomics.store(this.#cells, this.#rankCell(rank) + STATE, LEFT)
    this.ring()
  }

  hasLeft(rank: number): boolean {
    return Atomics.load(this.#cells, this.#rankCell(rank) + STATE) === LEFT
  }

  /** False when the rank is OPERATIONS_AHEAD operations ahead. */
  mark(rank: number, signature: Signature): boolean {
    const marked = this.#marked(rank)
    if (marked - Atomics.load(this.#cells, TAKEN) >= OPERATIONS_AHEAD) return false
    this.#write(this.#slot(rank, marked), signature)
    // The store publishes the slot: whoever reads the new count reads the signature too.
    Atomics.store(this.#cells, this.#rankCell(rank) + MARKED, marked + 1)
    this.ring()
    return true
  }

  /** Ranks that have not marked the operation that is due. */
  missing(): number[] {
    const taken = Atomics.load(this.#cells, TAKEN)
    const ranks = Array.from({ length: this.#ranks }, (_, rank) => rank)
    return ranks.filter((rank) => this.#marked(rank) <= taken)
  }

  /** The signatures of the operation that is due; frees their slots. */
  take(): Signature[] {
    const taken = Atomics.load(this.#cells, TAKEN)
    const signatures = Array.from({ length: this.#ranks }, (_, rank) =>
      this.#read(this.#slot(rank, taken)),
    )
    Atomics.store(this.#cells, TAKEN, taken + 1)
    return signatures
  }

  /** Operations whose slots are free: they are under way, or over. */
  get taken(): number {
    return Atomics.load(this.#cells, TAKEN)
  }

  /** Operations whose results lie with all members. */
  get done(): number {
    return Atomics.load(this.#cells, DONE)
  }

  /**
   * The signatures of an operation that all have marked, for one member alone, who carries it out.
   * Nothing while the one before is under way, or when another member was first.
   */
  claim(operation: number): Signature[] | undefined {
    if (this.done !== operation || this.taken !== operation) return undefined
    const signatures = Array.from({ length: this.#ranks }, (_, rank) =>
      this.#read(this.#slot(rank, operation)),
    )
    const won = Atomics.compareExchange(this.#cells, TAKEN, operation, operation + 1) === operation
    return won ? signatures : undefined
  }

  finish(operation: number): void {
    Atomics.store(this.#cells, DONE, operation + 1)
    this.ring()
  }

  get aborted(): boolean {
    return Atomics.load(this.#cells, ABORT) !== ALIVE
  }

  /** Sticky: the first failure stays. */
  abort(failure: Failure): void {
    if (Atomics.compareExchange(this.#cells, ABORT, ALIVE, CLAIMED) !== ALIVE) return
    const bytes = new TextEncoder().encode(JSON.stringify(shortened(failure)))
    this.#failure.set(bytes)
    Atomics.store(this.#cells, FAILURE_BYTES, bytes.length)
    Atomics.store(this.#cells, ABORT, PUBLISHED)
    this.ring()
  }

  get failure(): Failure | undefined {
    const state = Atomics.load(this.#cells, ABORT)
    if (state === ALIVE) return undefined
    if (state === CLAIMED) return { kind: 'aborted', cause: 'Another thread is aborting.' }
    // slice copies: TextDecoder refuses shared memory.
    const bytes = this.#failure.slice(0, Atomics.load(this.#cells, FAILURE_BYTES))
    return JSON.parse(new TextDecoder().decode(bytes)) as Failure
  }

  /** Read it before looking at the words above, then sleep on what was read. */
  get bell(): number {
    return Atomics.load(this.#cells, BELL)
  }

  ring(): void {
    Atomics.add(this.#cells, BELL, 1)
    Atomics.notify(this.#cells, BELL)
  }

  /** False when nothing rang for `timeoutMs`. */
  async sleep(seen: number, timeoutMs: number): Promise<boolean> {
    const wait = Atomics.waitAsync(this.#cells, BELL, seen, timeoutMs)
    return (wait.async ? await wait.value : wait.value) !== 'timed-out'
  }

  #rankCell(rank: number): number {
    return HEADER_CELLS + rank * RANK_CELLS
  }

  #marked(rank: number): number {
    return Atomics.load(this.#cells, this.#rankCell(rank) + MARKED)
  }

  #slot(rank: number, operation: number): number {
    const rings = HEADER_CELLS + this.#ranks * RANK_CELLS
    return rings + rank * RING_CELLS + (operation % OPERATIONS_AHEAD) * SLOT_CELLS
  }

  #write(slot: number, signature: Signature): void {
    this.#cells[slot] = DTYPES.indexOf(signature.dtype)
    this.#cells[slot + 1] = OPS.indexOf(signature.op)
    const { sequence, count, offset, generation } = signature
    ;[sequence, count, offset, generation].forEach((value, index) => {
      this.#cells[slot + 2 + 2 * index] = value % TWO_32
      this.#cells[slot + 3 + 2 * index] = Math.floor(value / TWO_32)
    })
  }

  #read(slot: number): Signature {
    const [sequence, count, offset, generation] = [2, 4, 6, 8].map(
      (cell) => (this.#cells[slot + cell] >>> 0) + this.#cells[slot + cell + 1] * TWO_32,
    )
    const dtype = DTYPES[this.#cells[slot]]
    const op = OPS[this.#cells[slot + 1]]
    return { sequence, op, dtype, count, offset, generation }
  }
}

function shortened(failure: Failure): Failure {
  if (failure.kind !== 'aborted') return failure
  return { kind: 'aborted', cause: failure.cause.slice(0, CAUSE_LENGTH) }
}
