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
import { allreduce, byGroup, checkSummable, regionsOf } from './allreduce.js'
import { allMarked } from './all-marked.js'
import type { Now } from './clock.js'
import { Control } from './control.js'
import { KeepAlive } from './keep-alive.js'

function spansNeedNative(): KaitianError {
  return new KaitianError(
    'NATIVE_LOAD_FAILED',
    `Groups in different processes need the native core; the TypeScript fallback joins those of one process. ${buildAdvice()}.`,
  )
}

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
    this.#regions = byGroup(regionsOf(options), options.groups)
    this.#now = now
    this.#control = new Control(options.members.length)
    this.ticket = {
      implementation: 'typescript',
      id,
      generation: options.generation,
      members: [...options.members],
      control: this.#control.buffer,
      regions: regionsOf(options),
      deadlineMs: options.deadlineMs,
      ...(options.groups === undefined ? {} : { groups: [...options.groups] }),
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
    const wait = { operation: 'bucket', sequence: issued.sequence, deadline } as const
    await allMarked(this.#control, this.#now, { ...wait, deadlineMs: this.#deadlineMs })
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
}
