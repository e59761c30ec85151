import type { Context, Handlers } from '@kaitian/actors'
import {
  loadBackend,
  type CommBackend,
  type Communicator,
  type CommunicatorOptions,
  type CommunicatorTicket,
} from '@kaitian/comm-native'
import { Peering, type Peer } from '../bridge/peering.js'
import { LeaderProtocol, type Formation, type LeaderArgs } from './protocol.js'

type Ctx = Context<typeof LeaderProtocol>

/**
 * Owns a group's communicator: makes it, and ends it with the generation. The collectives run on
 * native threads between the devices, without a word of the leader's.
 */
export class Leader implements Handlers<typeof LeaderProtocol> {
  static readonly protocol = LeaderProtocol
  readonly #args: LeaderArgs
  #backend!: CommBackend
  #peering: Peering | undefined
  #communicator: Communicator | undefined

  constructor(args: LeaderArgs) {
    this.#args = args
  }

  start(ctx: Ctx): void {
    this.#backend = loadBackend(this.#args.backend)
    const { group, bridge, deadlines } = this.#args
    if (bridge === undefined) return
    this.#peering = new Peering({
      ...bridge,
      group,
      clock: ctx.clock,
      deadlineMs: deadlines.bridge,
      backend: this.#backend,
    })
  }

  async stop(): Promise<void> {
    await this.#close('the leader stops')
    await this.#peering?.dispose()
  }

  async open(): Promise<Peer | null> {
    if (this.#peering === undefined) return null
    await this.#peering.listen()
    return { group: this.#args.group, ...this.#peering.address }
  }

  async connect({ peers }: { peers: readonly Peer[] }): Promise<void> {
    await this.#peering?.connect(peers)
  }

  async form(formation: Formation): Promise<CommunicatorTicket> {
    await this.#close(`generation ${formation.generation} begins`)
    const { generation, devices, groups, members } = formation
    if (this.#peering !== undefined) this.#peering.generation = generation
    const communicator = this.#backend.createCommunicator({
      generation,
      members: devices,
      groups: groups.map(({ size }) => size),
      regions: members.map(({ regions }) => regions),
      deadlineMs: this.#args.deadlines.collective,
      ...this.#span(formation),
    })
    this.#communicator = communicator
    return communicator.ticket
  }

  /** The ways to the other groups of a generation. */
  #span({ groups }: Formation): Pick<CommunicatorOptions, 'span'> {
    const peering = this.#peering
    if (peering === undefined || groups.length === 1) return {}
    const group = groups.findIndex(({ name }) => name === this.#args.group)
    const trunks = groups.map(({ name }, at) => (at === group ? undefined : peering.trunk(name)))
    return { span: { group, trunks } }
  }

  /** Abort, here and in the other groups → native exit → unpin, in this order. */
  async #close(cause: string): Promise<void> {
    const communicator = this.#communicator
    this.#communicator = undefined
    communicator?.abort(cause)
    await communicator?.dispose()
  }
}
