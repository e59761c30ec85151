import { KaitianError } from '@kaitian/errors'
import type { Call } from '../calls.js'
import { checkSignature } from '../checks.js'
import { ELEMENT_BYTES } from '../dtype.js'
import { callError, describeFailure } from '../failure.js'
import { buildAdvice } from '../load-error.js'
import { alreadyJoined, hasLeft, tooFarAhead } from '../membership-errors.js'
import { Member } from '../member.js'
import { compare } from '../signature.js'
import type { CommunicatorTicket, Signature } from '../types.js'
import { allMarked } from './all-marked.js'
import { allreduce, byGroup, checkSummable } from './allreduce.js'
import type { Now } from './clock.js'
import { Control } from './control.js'
import { KeepAlive } from './keep-alive.js'

export class TypeScriptMembership extends Member {
  readonly #control: Control
  readonly #now: Now
  readonly #deadlineMs: number
  readonly #keepAlive = new KeepAlive()
  #joined = true
  /** How many it has made. */
  #calls = 0
  /** Settles when all its calls have; never rejects. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(ticket: CommunicatorTicket, rank: number, now: Now) {
    super(ticket, rank)
    this.#now = now
    this.#deadlineMs = ticket.deadlineMs ?? Infinity
    this.#control = controlOf(ticket)
    if (!this.#control.join(rank)) throw alreadyJoined(ticket, rank)
  }

  ready(signature: Signature): void {
    checkSignature(signature)
    // Late calls after an abort or after leaving are harmless, and common.
    if (!this.#joined || this.#control.aborted) return
    if (!this.#control.mark(this.rank, signature)) throw tooFarAhead(this.ticket, this.rank)
  }

  protected call(call: Call): Promise<void> {
    const inPlace = call.collective === 'allreduce' && call.send === call.recv
    if (!inPlace) throw callsNeedNative()
    if (!this.#joined) throw hasLeft(this.ticket, this.rank)
    checkSummable(call)
    const sequence = this.#calls
    const { op, dtype, count } = call
    const { generation } = this.ticket
    const signature = { sequence, op, dtype, count, offset: this.#offsetOf(call), generation }
    if (!this.#control.aborted && !this.#control.mark(this.rank, signature)) {
      throw tooFarAhead(this.ticket, this.rank)
    }
    this.#calls++
    this.#keepAlive.hold()
    const deadline = this.#now() + this.#deadlineMs
    const run = this.#tail.then(() => this.#finish(sequence, deadline))
    this.#tail = run.catch(() => {})
    return run.finally(() => this.#keepAlive.release())
  }

  /** Whoever finds that all have marked an operation carries it out, in its own thread, for all. */
  async #finish(operation: number, deadline: number): Promise<void> {
    const control = this.#control
    const isOver = (): boolean => control.done > operation
    while (!isOver() && !control.aborted) {
      const wait = { operation: 'call', sequence: operation, deadline } as const
      const due = (): boolean => control.taken === operation && control.missing().length === 0
      await allMarked(control, this.#now, { ...wait, deadlineMs: this.#deadlineMs }, () => {
        return isOver() || due()
      })
      const signatures = isOver() ? undefined : control.claim(operation)
      if (signatures !== undefined) await this.#carryOut(operation, signatures)
    }
    const { failure } = control
    if (failure !== undefined && !isOver()) throw callError(this.ticket, failure)
  }

  async #carryOut(sequence: number, [first, ...others]: readonly Signature[]): Promise<void> {
    const control = this.#control
    const comparison = compare(first, others, 0)
    if (comparison !== undefined) {
      return control.abort({ kind: 'mismatch', operation: 'call', sequence, ...comparison })
    }
    const { regions = [], groups } = this.ticket
    await allreduce(byGroup(regions, groups), first, () => control.aborted)
    if (!control.aborted) control.finish(sequence)
  }

  /** Other threads reach a member's own regions, and no other memory; by place, as each thread sees a buffer as an object of its own. */
  #offsetOf({ send, dtype }: Call): number {
    const region = this.ticket.regions?.[this.rank]?.[dtype]
    const offset = region === undefined ? -1 : send!.byteOffset - region.byteOffset
    const isInside =
      region !== undefined &&
      send!.buffer.byteLength === region.buffer.byteLength &&
      offset >= 0 &&
      offset + send!.byteLength <= region.byteLength
    if (isInside) return offset / ELEMENT_BYTES[dtype]
    throw new KaitianError(
      'BAD_ARGUMENT',
      `The TypeScript fallback reduces what lies in the ${dtype} region that the communicator was given for ${this.ticket.members[this.rank]}. ${buildAdvice()} for any other memory.`,
    )
  }

  protected pass(): never {
    throw callsNeedNative()
  }

  get aborted(): string | undefined {
    const { failure } = this.#control
    return failure && describeFailure(this.ticket, failure)
  }

  leave(): void {
    if (!this.#joined) return
    this.#joined = false
    this.#control.leave(this.rank)
    void this.#tail.then(() => this.#keepAlive.close())
  }
}

/** The control words hold signatures, not the members' memory, which only messages could carry. */
function callsNeedNative(): KaitianError {
  return new KaitianError(
    'UNSUPPORTED_OP',
    `Members' own calls need the native core; the TypeScript fallback has allreduce in place alone. ${buildAdvice()}.`,
  )
}

export function controlOf(ticket: CommunicatorTicket): Control {
  if (ticket.control === undefined) {
    throw new KaitianError(
      'BAD_ARGUMENT',
      `This ticket is of the ${ticket.implementation} implementation; load the same backend in every thread.`,
    )
  }
  return new Control(ticket.members.length, ticket.control)
}
