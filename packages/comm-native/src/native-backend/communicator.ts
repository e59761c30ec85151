import { availableParallelism } from 'node:os'
import { toKaitianError } from '@kaitian/errors'
import { checkCommunicator, checkIssue, roomsOf, type Room } from '../checks.js'
import { DTYPES, type DType } from '../dtype.js'
import { failureError } from '../failure.js'
import { tooManyIssued } from '../membership-errors.js'
import { TOO_FAR, type NativeAddon, type NativeCommunicator, type NativeRegion } from '../native.js'
import type { Communicator, CommunicatorOptions, CommunicatorTicket, Signature } from '../types.js'
import type { Completions } from './completions.js'
import { waysOf } from './span.js'
import { spread } from './ticket.js'

/** A call that becomes asynchronous costs some 0.1 ms: a wait of twice that is cheaper in place. */
const PATIENCE_MS = 0.2
/** Where members share processors, those waited for may have to be scheduled first. */
const CROWDED_PATIENCE_MS = 1

/** The leader's end: the core's communicator with promises and checked arguments. */
export class NativeBackedCommunicator implements Communicator {
  readonly ticket: CommunicatorTicket
  readonly #rooms: readonly Room[]
  readonly #handle: NativeCommunicator
  readonly #completions: Completions
  #due = 0
  #disposed: Promise<void> | undefined

  constructor(addon: NativeAddon, completions: Completions, options: CommunicatorOptions) {
    checkCommunicator(options)
    this.#rooms = roomsOf(options)
    this.#completions = completions
    this.#handle = open(addon, options)
    this.ticket = {
      implementation: 'native',
      id: this.#handle.id(),
      generation: options.generation,
      members: [...options.members],
    }
  }

  async allreduce(signature: Signature): Promise<void> {
    checkIssue(this.#rooms, signature, this.#due)
    const token = this.#completions.token()
    if (this.#handle.issue(token, ...spread(signature)) === TOO_FAR) throw tooManyIssued()
    this.#due++
    const failure = await this.#completions.of(token)
    if (failure !== undefined) throw failureError(this.ticket, failure, signature.sequence)
  }

  abort(cause: string): void {
    this.#handle.abort(cause)
  }

  /** The order is the point: nobody writes any more before the memory is let go. */
  async dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#handle.retire('The communicator was disposed.')
      await this.#completions.next((token) => this.#handle.end(token))
      this.#handle.release()
    })()
    await this.#disposed
  }
}

function open(addon: NativeAddon, options: CommunicatorOptions): NativeCommunicator {
  const { deadlineMs, generation, members, groups = [members.length], wire = 'f32', span } = options
  const crowded = members.length > availableParallelism()
  const { patienceMs = crowded ? CROWDED_PATIENCE_MS : PATIENCE_MS } = options
  try {
    return new addon.Communicator(
      deadlineMs,
      patienceMs,
      generation,
      [...groups],
      wire === 'bf16',
      DTYPES.map((dtype) => byRank(options, dtype)),
      span?.group ?? -1,
      waysOf(options),
    )
  } catch (error) {
    throw toKaitianError(error, 'BAD_ARGUMENT', 'The communicator could not be made')
  }
}

/**
 * Empty unless every rank has one: an operation needs the memory of all. Copied: native code shall
 * not read objects of the caller's, see kernels.ts.
 */
function byRank({ regions = [] }: CommunicatorOptions, dtype: DType): NativeRegion[] {
  const found = regions.flatMap((region) => region[dtype] ?? [])
  if (found.length < regions.length) return []
  return found.map(({ buffer, byteOffset, byteLength }) => ({ buffer, byteOffset, byteLength }))
}
