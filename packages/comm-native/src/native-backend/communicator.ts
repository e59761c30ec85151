import { toKaitianError } from '@kaitian/errors'
import { checkCommunicator, checkIssue, roomsOf, type Room } from '../checks.js'
import { failureError } from '../failure.js'
import type { NativeAddon, NativeCommunicator, NativeRegion } from '../native.js'
import type {
  Communicator,
  CommunicatorOptions,
  CommunicatorTicket,
  DType,
  Signature,
} from '../types.js'
import type { Completions } from './completions.js'
import { spread } from './ticket.js'

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
    this.#due++
    const failure = await this.#completions.next((token) =>
      this.#handle.issue(token, ...spread(signature)),
    )
    if (failure !== undefined) throw failureError(this.ticket, failure, signature.sequence)
  }

  abort(cause: string): void {
    this.#handle.abort(cause)
  }

  /** The order is the point: nobody writes any more before the memory is let go. */
  async dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.abort('The communicator was disposed.')
      await this.#completions.next((token) => this.#handle.end(token))
      this.#handle.release()
    })()
    await this.#disposed
  }
}

function open(addon: NativeAddon, options: CommunicatorOptions): NativeCommunicator {
  const { deadlineMs, members } = options
  try {
    return new addon.Communicator(deadlineMs, members.length, [
      byRank(options, 'f32'),
      byRank(options, 'i64'),
    ])
  } catch (error) {
    throw toKaitianError(error, 'BAD_ARGUMENT', 'The communicator could not be made')
  }
}

/** Empty unless every rank has one: an operation needs the memory of all. */
function byRank({ regions }: CommunicatorOptions, dtype: DType): NativeRegion[] {
  const found = regions.flatMap((region) => region[dtype] ?? [])
  return found.length === regions.length ? found : []
}
