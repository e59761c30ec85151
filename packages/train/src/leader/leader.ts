import type { Context, Handlers } from '@kaitian/actors'
import {
  loadBackend,
  type CommBackend,
  type Communicator,
  type CommunicatorOptions,
  type CommunicatorTicket,
} from '@kaitian/comm-native'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { Peering, type Peer } from '../bridge/peering.js'
import type { Bucket } from '../step/buckets.js'
import type { AttemptId } from '../step/plan.js'
import { LeaderProtocol, type Formation, type LeaderArgs } from './protocol.js'

type Ctx = Context<typeof LeaderProtocol>

/** One generation's collectives, and the attempt under way. */
interface Session {
  readonly formation: Formation
  readonly communicator: Communicator
  attempt: AttemptId | undefined
  /** Buckets of the attempt that hold the global sum. */
  done: number
  failed: boolean
}

/**
 * Runs a group's collectives. Every bucket: all members have marked it → native
 * threads sum it, over the bridge's trunks together with the other groups' →
 * the devices learn when all are there. The JS thread never waits for a member.
 */
export class Leader implements Handlers<typeof LeaderProtocol> {
  static readonly protocol = LeaderProtocol
  readonly #args: LeaderArgs
  #backend!: CommBackend
  #peering: Peering | undefined
  #session: Session | undefined

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
    this.#session = { formation, communicator, attempt: undefined, done: 0, failed: false }
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

  step(attempt: AttemptId): void {
    const session = this.#session
    if (session === undefined || session.formation.generation !== attempt.generation) return
    session.attempt = attempt
    session.done = 0
    for (const bucket of this.#args.buckets) void this.#reduce(session, attempt, bucket)
  }

  async abort({ generation, cause }: { generation: number; cause: string }): Promise<void> {
    if (this.#session?.formation.generation === generation) await this.#close(cause)
  }

  async #reduce(session: Session, attempt: AttemptId, bucket: Bucket): Promise<void> {
    const { dtype, buckets, group } = this.#args
    const { generation } = attempt
    const sequence = attempt.ordinal * buckets.length + bucket.index
    const { offset, count } = bucket
    const signature = { sequence, op: 'sum', dtype, count, offset, generation } as const
    try {
      await session.communicator.allreduce(signature)
    } catch (error) {
      this.#fail(session, toKaitianError(error, 'INTERNAL', `Group ${group} could not reduce`))
      return
    }
    if (!session.failed && this.#session === session) this.#finishBucket(session)
  }

  #finishBucket(session: Session): void {
    session.done++
    if (session.done < this.#args.buckets.length || session.attempt === undefined) return
    for (const { ref } of session.formation.members) ref.tell.reduced(session.attempt)
  }

  #fail(session: Session, error: KaitianError): void {
    if (session.failed || this.#session !== session) return
    session.failed = true
    this.#report(session.formation.generation, error)
  }

  #report(generation: number, error: Error): void {
    const known = toKaitianError(error, 'INTERNAL', 'The group failed')
    const { trainer } = this.#args
    const suspects = names(lateOnes(known)['missing'])
    trainer.tell.failed({ generation, cause: firstSentence(known.message), suspects })
  }

  /** Abort, here and in the other groups → native exit → unpin, in this order. */
  async #close(cause: string): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    session.failed = true
    session.communicator.abort(cause)
    await session.communicator.dispose()
  }
}

/** The rest is advice to who runs the collectives, which the trainer takes by itself. */
function firstSentence(message: string): string {
  return message.split(/\.(?:\s|$)/)[0]
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** The fields that name who did not do their part. A lost link names nobody: either end may be well. */
function lateOnes({ code, fields }: KaitianError): Readonly<Record<string, unknown>> {
  return code === 'DEADLINE_EXCEEDED' || code === 'PEER_DOWN' ? fields : {}
}
