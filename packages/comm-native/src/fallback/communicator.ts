import { KaitianError } from '@kaitian/errors'
import { checkCommunicator, checkIssue, roomsOf, type Room } from '../checks.js'
import { failureError, type Failure } from '../failure.js'
import { buildAdvice } from '../load-error.js'
import { compare } from '../signature.js'
import type { DType } from '../dtype.js'
import type {
  Communicator,
  CommunicatorOptions,
  CommunicatorTicket,
  Region,
  Signature,
} from '../types.js'
import { allreduce } from './allreduce.js'
import type { Now } from './clock.js'
import { Control } from './control.js'
import { KeepAlive } from './keep-alive.js'

function byGroup({
  members,
  groups = [members.length],
  regions = members.map(() => ({})),
}: CommunicatorOptions): Readonly<Partial<Record<DType, Region>>>[][] {
  let first = 0
  return groups.map((size) => regions.slice(first, (first += size)))
}

function spansNeedNative(): KaitianError {
  return new KaitianError(
    'NATIVE_LOAD_FAILED',
    `Groups in different processes need the native core; the TypeScript fallback joins those of one process. ${buildAdvice()}.`,
  )
}

/** C1: refused by name rather than done by a loop for each of forty cases. */
function checkSummable({ op, dtype }: Signature): void {
  if (op === 'sum' && (dtype === 'f32' || dtype === 'i64')) return
  throw new KaitianError(
    'UNSUPPORTED_OP',
    `The TypeScript fallback sums f32 and i64; it cannot do '${op}' of ${dtype}. It takes the native core. ${buildAdvice()}.`,
    { fields: { op, dtype } },
  )
}

/** How often it looks, at least, whether it was passed by, in ms. */
const PULSE_MS = 100

/**
 * The leader's end without native code: it sleeps on the control words'
 * bell with Atomics.waitAsync and sums in its own thread.
 */
export class TypeScriptCommunicator implements Communicator {
  readonly ticket: CommunicatorTicket
  readonly #rooms: readonly Room[]
  readonly #deadlineMs: number
  readonly #control: Control
  readonly #now: Now
  readonly #keepAlive = new KeepAlive()
  /** By group, then by rank. */
  #regions: readonly (readonly Readonly<Partial<Record<DType, Region>>>[])[]
  #due = 0
  /** Settles when all issued operations have; never rejects. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(id: number, options: CommunicatorOptions, now: Now) {
    checkCommunicator(options)
    if (options.span !== undefined) throw spansNeedNative()
    this.#rooms = roomsOf(options)
    this.#deadlineMs = options.deadlineMs
    this.#regions = byGroup(options)
    this.#now = now
    this.#control = new Control(options.members.length)
    this.ticket = {
      implementation: 'typescript',
      id,
      generation: options.generation,
      members: [...options.members],
      control: this.#control.buffer,
    }
  }

  async allreduce(signature: Signature): Promise<void> {
    checkIssue(this.#rooms, signature, this.#due)
    checkSummable(signature)
    this.#due++
    const deadline = this.#now() + this.#deadlineMs
    this.#keepAlive.hold()
    const run = this.#tail.then(() => this.#perform(signature, deadline))
    this.#tail = run
    const failure = await run.finally(() => this.#keepAlive.release())
    if (failure !== undefined) throw failureError(this.ticket, failure, signature.sequence)
  }

  abort(cause: string): void {
    this.#control.abort({ kind: 'aborted', cause })
  }

  async dispose(): Promise<void> {
    this.abort('The communicator was disposed.')
    await this.#tail
    this.#regions = []
    this.#keepAlive.close()
  }

  async #perform(issued: Signature, deadline: number): Promise<Failure | undefined> {
    await this.#members(issued.sequence, deadline)
    if (!this.#control.aborted) {
      const comparison = compare(issued, this.#control.take())
      if (comparison !== undefined) {
        this.#control.abort({
          kind: 'mismatch',
          operation: 'bucket',
          sequence: issued.sequence,
          ...comparison,
        })
      }
    }
    await allreduce(this.#regions, issued, () => this.#control.aborted)
    return this.#control.failure
  }

  /** Waits until every rank has marked the operation, or the communicator is aborted. */
  async #members(sequence: number, due: number): Promise<void> {
    let deadline = due
    while (!this.#control.aborted) {
      const seen = this.#control.bell
      const missing = this.#control.missing()
      if (missing.length === 0) return
      // Looked at again after `hasLeft`: a rank may have marked and then left.
      const left = missing.filter(
        (rank) => this.#control.hasLeft(rank) && this.#control.missing().includes(rank),
      )
      const remaining = deadline - this.#now()
      if (left.length > 0) {
        this.#control.abort({ kind: 'left', operation: 'bucket', sequence, missing: left })
      } else if (remaining <= 0) {
        const deadlineMs = this.#deadlineMs
        this.#control.abort({
          kind: 'deadline',
          operation: 'bucket',
          sequence,
          missing,
          deadlineMs,
          phase: 'arrive',
        })
      } else {
        const pulse = Math.min(remaining, PULSE_MS)
        const until = this.#now() + pulse
        await this.#control.sleep(seen, pulse)
        // While this thread was stopped, in a debugger or swapped out, nobody else had a turn.
        const late = this.#now() - until
        if (late > PULSE_MS) deadline += late
      }
    }
  }
}
