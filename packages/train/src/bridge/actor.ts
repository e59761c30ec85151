import { ask, protocol, tell, type Context, type Handlers, type Ref } from '@kaitian/actors'
import { ELEMENT_BYTES, loadBackend, type DType, type Region } from '@kaitian/comm-native'
import { KaitianError, toKaitianError, type ErrorRecord } from '@kaitian/errors'
import { openEndpoint, type Endpoint } from './endpoint.js'
import type { Peer } from './mesh.js'
import type { Address } from './tcp.js'

export interface BridgeArgs {
  readonly group: string
  /** Every group of the run, in group order; a later one dials an earlier one. */
  readonly groups: readonly string[]
  readonly secret: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** How long a peer may be silent while something is awaited from it. */
  readonly deadlineMs: number
  /** Whose kernels add; the best there is unless told. */
  readonly backend?: 'auto' | 'native' | 'typescript'
}

/** What an actor that asks for exchanges must understand. */
export const ExchangeReplyProtocol = protocol({
  /** The exchange is done, or failed with `error`. */
  exchanged: tell<{ generation: number; sequence: number; error?: ErrorRecord }>(),
})

export interface ExchangeMessage {
  readonly generation: number
  /** Ascends within a generation; the same on all groups. */
  readonly sequence: number
  readonly dtype: DType
  /** Elements. */
  readonly count: number
  /** First element, in `mine` and in `into`. */
  readonly offset: number
  /** Holds the group's sum; not to be written before the reply. */
  readonly mine: Region
  /** Receives the sum over all groups; may be `mine`. */
  readonly into: Region
  readonly reply: Ref<typeof ExchangeReplyProtocol>
}

export const BridgeProtocol = protocol({
  /** Starts to listen. Fails with PORT_IN_USE. */
  open: ask<void, Address>(),
  /** Links to all peers; entries for the own group are skipped. */
  connect: ask<{ peers: readonly Peer[] }, void>(),
  begin: ask<{ generation: number; order: readonly string[] }, void>(),
  /** Answered by `exchanged`, so that several can be under way at once. */
  exchange: tell<ExchangeMessage>(),
  abort: tell<{ generation: number; cause: string }>(),
})

type Ctx = Context<typeof BridgeProtocol>

/** A group's bridge: a mailbox around an `Endpoint`. */
export class Bridge implements Handlers<typeof BridgeProtocol> {
  static readonly protocol = BridgeProtocol
  readonly #args: BridgeArgs
  #endpoint: Endpoint | undefined

  constructor(args: BridgeArgs) {
    this.#args = args
  }

  async open(_: void, ctx: Ctx): Promise<Address> {
    if (this.#endpoint === undefined) {
      const { kernels } = loadBackend(this.#args.backend)
      this.#endpoint = ctx.own(await openEndpoint({ ...this.#args, kernels, clock: ctx.clock }))
    }
    return this.#endpoint.address
  }

  async connect({ peers }: { peers: readonly Peer[] }): Promise<void> {
    await this.#opened().connect(peers)
  }

  begin({ generation, order }: { generation: number; order: readonly string[] }): void {
    this.#opened().begin(generation, order)
  }

  exchange(message: ExchangeMessage): void {
    // not awaited: an async handler would hold the mailbox, and with it the next bucket and aborts
    void this.#exchange(message)
  }

  abort({ generation, cause }: { generation: number; cause: string }): void {
    this.#endpoint?.abort(generation, cause)
  }

  async #exchange({ reply, mine, into, ...signature }: ExchangeMessage): Promise<void> {
    const { generation, sequence, dtype, count, offset } = signature
    try {
      await this.#opened().exchange({
        generation,
        sequence,
        dtype,
        count,
        offset,
        mine: view(mine, signature),
        into: view(into, signature),
      })
      reply.tell.exchanged({ generation, sequence })
    } catch (error) {
      const what = `Exchange ${sequence} of generation ${generation} failed`
      const record = toKaitianError(error, 'INTERNAL', what).toRecord()
      reply.tell.exchanged({ generation, sequence, error: record })
    }
  }

  #opened(): Endpoint {
    if (this.#endpoint !== undefined) return this.#endpoint
    throw new KaitianError('BAD_ARGUMENT', 'Ask the bridge to open before anything else.')
  }
}

type Part = Pick<ExchangeMessage, 'dtype' | 'offset' | 'count'>

function view(region: Region, { dtype, offset, count }: Part): Uint8Array {
  const width = ELEMENT_BYTES[dtype] ?? 0
  const [start, length] = [offset * width, count * width]
  if (start >= 0 && length >= 0 && start + length <= region.byteLength) {
    return new Uint8Array(region.buffer, region.byteOffset + start, length)
  }
  throw new KaitianError(
    'BAD_ARGUMENT',
    `Elements ${offset} to ${offset + count} do not fit region "${region.name}" of ${region.byteLength} bytes.`,
    { fields: { region: region.name, offset, count, dtype } },
  )
}
