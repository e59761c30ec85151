import { KaitianError } from '@kaitian/errors'
import { signatureMismatch, type Exchange } from './exchange.js'
import type { Abort, Chunk } from './frame.js'

/** Why a generation is over, and for which exchange in particular. */
interface Failure {
  readonly error: KaitianError
  /** The one exchange that the error is about; all of them when absent. */
  readonly sequence: number | undefined
}

/**
 * The exchanges of one membership, and its sticky failure: after the first one
 * every exchange of the generation fails, those to come included.
 */
export class Generation {
  readonly number: number
  /** The groups that take part, in the order in which their sums combine. */
  readonly order: readonly string[]
  readonly #running = new Map<number, Exchange>()
  #lastSequence = -1
  #failure: Failure | undefined

  constructor(number: number, order: readonly string[]) {
    this.number = number
    this.order = order
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  get(sequence: number): Exchange | undefined {
    return this.#running.get(sequence)
  }

  /**
   * Sequences ascend: links carry exchanges in the order of their calls, so two
   * groups that began them in different orders would wait for each other.
   *
   * @throws BAD_ARGUMENT
   */
  add(sequence: number, exchange: Exchange): void {
    if (sequence <= this.#lastSequence) {
      throw new KaitianError(
        'BAD_ARGUMENT',
        `Exchange ${sequence} comes after ${this.#lastSequence}; sequences must ascend within a generation.`,
        { fields: { sequence, last: this.#lastSequence } },
      )
    }
    this.#lastSequence = sequence
    this.#running.set(sequence, exchange)
  }

  remove(sequence: number): void {
    this.#running.delete(sequence)
  }

  /** What an exchange that comes after the failure gets; undefined while all is well. */
  refusal(sequence: number): KaitianError | undefined {
    if (this.#failure === undefined) return undefined
    const { error, sequence: about } = this.#failure
    return about === sequence ? error : this.#aftermath(error)
  }

  /** Sticky. @returns false when it had failed before. */
  fail(error: KaitianError, sequence?: number): boolean {
    if (this.#failure !== undefined) return false
    this.#failure = { error, sequence }
    for (const [running, exchange] of this.#running) {
      const concerned = sequence === undefined || sequence === running
      exchange.fail(concerned ? error : this.#aftermath(error))
    }
    this.#running.clear()
    return true
  }

  #aftermath(error: KaitianError): KaitianError {
    const known = error.code === 'COMMUNICATOR_ABORTED'
    return known ? error : aborted(this.number, error.message, { cause: error, code: error.code })
  }

  /**
   * Finds the exchange that a chunk belongs to; undefined when it has not begun yet.
   * @throws SIGNATURE_MISMATCH when the peer is past an operation of ours, or we of its
   */
  find(peer: string, chunk: Chunk): Exchange | undefined {
    const { sequence } = chunk
    if (chunk.index === 0) {
      // links carry exchanges in order, so what the peer skipped will never come
      for (const [ours, exchange] of this.#running) {
        if (ours < sequence && exchange.expects(peer)) throw this.#skipped(peer, sequence, ours)
      }
    }
    const exchange = this.#running.get(sequence)
    if (exchange !== undefined || sequence > this.#lastSequence) return exchange
    throw this.#skipped(peer, sequence, this.#lastSequence)
  }

  #skipped(group: string, theirs: number, ours: number): KaitianError {
    return signatureMismatch(
      `Group "${group}" sent operation ${theirs} when this group was at ${ours}`,
      { group, field: 'sequence', theirs, ours, generation: this.number },
    )
  }
}

export function aborted(
  generation: number,
  why: string,
  { cause, ...fields }: { cause?: Error; group?: string; code?: string } = {},
): KaitianError {
  return new KaitianError('COMMUNICATOR_ABORTED', `Generation ${generation} is over: ${why}`, {
    cause,
    fields: { generation, cause: why, ...fields },
  })
}

/** What a peer's abort means here. */
export function fromAbort(peer: string, abort: Abort): KaitianError {
  const { generation, sequence, field, code, cause } = abort
  if (code === 'SIGNATURE_MISMATCH') {
    const what = `Group "${peer}" reports: ${cause.replace(/\.$/, '')}`
    const fields = { group: peer, field, generation, sequence }
    return new KaitianError('SIGNATURE_MISMATCH', `${what}.`, { fields })
  }
  return aborted(generation, `group "${peer}" gave it up: ${cause}`, { group: peer, code })
}

/** An error as peers are told it. */
export function toAbort(generation: number, error: KaitianError, sequence?: number): Abort {
  const { field } = error.fields
  const abort: Abort = {
    kind: 'abort',
    generation,
    code: error.code,
    cause: error.message.slice(0, 4096),
  }
  if (typeof field === 'string') abort.field = field
  if (sequence !== undefined) abort.sequence = sequence
  return abort
}
