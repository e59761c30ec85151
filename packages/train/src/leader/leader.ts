import type { Context, Handlers, Ref } from '@kaitian/actors'
import {
  ELEMENT_BYTES,
  loadBackend,
  type CommBackend,
  type Communicator,
  type DeviceContext,
  type Region,
} from '@kaitian/comm-native'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { Bridge, type BridgeProtocol } from '../bridge/actor.js'
import type { Peer } from '../bridge/mesh.js'
import type { Bucket } from '../step/buckets.js'
import type { AttemptId } from '../step/plan.js'
import { LeaderProtocol, type Formation, type Formed, type LeaderArgs } from './protocol.js'

type Ctx = Context<typeof LeaderProtocol>

/** One generation's collectives: communicator, global sums, and the attempt under way. */
interface Session {
  readonly formation: Formation
  readonly communicator: Communicator
  /** Owns `result`. */
  readonly context: DeviceContext
  readonly result: Region | undefined
  attempt: AttemptId | undefined
  /** Buckets of the attempt that hold the global sum. */
  done: number
  failed: boolean
}

/**
 * Runs a group's collectives. Every bucket: all members have marked it → the
 * native thread sums it → the bridge exchanges it → the devices learn when all
 * are there. The JS thread never waits for a member.
 */
export class Leader implements Handlers<typeof LeaderProtocol> {
  static readonly protocol = LeaderProtocol
  readonly #args: LeaderArgs
  #backend!: CommBackend
  #self!: Ref<typeof LeaderProtocol>
  #bridge: Ref<typeof BridgeProtocol> | undefined
  #session: Session | undefined

  constructor(args: LeaderArgs) {
    this.#args = args
  }

  async start(ctx: Ctx): Promise<void> {
    this.#self = ctx.self
    this.#backend = loadBackend(this.#args.backend)
    if (this.#args.groups.length === 1) return
    const { group, groups, secret, host, port, deadlines, backend } = this.#args
    const deadlineMs = deadlines.bridge
    const args = { group, groups, secret, host, port, deadlineMs, backend }
    this.#bridge = await ctx.spawn(Bridge, args, { name: 'bridge' })
    ctx.watch(this.#bridge, ({ reason }) => this.#bridgeLost(reason))
  }

  async stop(): Promise<void> {
    await this.#close('the leader stops')
  }

  async open(): Promise<Peer | null> {
    if (this.#bridge === undefined) return null
    const { host, port } = await this.#bridge.ask.open()
    return { group: this.#args.group, host, port }
  }

  async connect({ peers }: { peers: readonly Peer[] }): Promise<void> {
    await this.#bridge?.ask.connect({ peers })
  }

  async form(formation: Formation): Promise<Formed> {
    await this.#close(`generation ${formation.generation} begins`)
    const { flatSize, dtype, deadlines } = this.#args
    const { generation, members, order } = formation
    const context = this.#backend.openContext({ vendor: 'cpu', ordinal: 0 })
    const bytes = flatSize * ELEMENT_BYTES[dtype]
    const result = order.length > 1 ? context.allocate('result', bytes) : undefined
    const communicator = this.#backend.createCommunicator({
      generation,
      members: members.map(({ device }) => device),
      regions: members.map(({ regions }) => regions),
      deadlineMs: deadlines.collective,
    })
    const idle = { attempt: undefined, done: 0, failed: false }
    this.#session = { formation, communicator, context, result, ...idle }
    await this.#bridge?.ask.begin({ generation, order })
    const { ticket } = communicator
    return result === undefined ? { ticket } : { ticket, result }
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

  exchanged({
    generation,
    error,
  }: Parameters<Handlers<typeof LeaderProtocol>['exchanged']>[0]): void {
    const session = this.#session
    if (session === undefined || session.formation.generation !== generation) return
    if (error === undefined) this.#finishBucket(session)
    else this.#fail(session, KaitianError.fromRecord(error))
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
    if (session.failed || this.#session !== session) return
    if (session.result === undefined) this.#finishBucket(session)
    else {
      const mine = session.formation.members[0].regions[dtype]!
      this.#bridge!.tell.exchange({ ...signature, mine, into: session.result, reply: this.#self })
    }
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

  /** Without its bridge the group can take part no more; the others can. */
  #bridgeLost(reason: string): void {
    const { group, trainer } = this.#args
    const { generation } = this.#session?.formation ?? { generation: 0 }
    const cause = `the bridge of ${group} was ${reason}`
    trainer.tell.failed({ generation, cause, suspects: [], silentGroups: [group] })
  }

  #report(generation: number, error: Error): void {
    const known = toKaitianError(error, 'INTERNAL', 'The group failed')
    const { trainer } = this.#args
    const late = lateOnes(known)
    trainer.tell.failed({
      generation,
      cause: known.message,
      suspects: names(late['missing']),
      silentGroups: names(late['groups']),
    })
  }

  /** Abort → native exit → unpin, in this order. */
  async #close(cause: string): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    session.failed = true
    this.#bridge?.tell.abort({ generation: session.formation.generation, cause })
    session.communicator.abort(cause)
    await session.communicator.dispose()
    session.context.dispose()
  }
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** The fields that name who did not do their part; an exchange cut short by another names them in its cause. */
function lateOnes({ code, fields, cause }: KaitianError): Readonly<Record<string, unknown>> {
  if (code === 'DEADLINE_EXCEEDED' || code === 'PEER_DOWN') return fields
  return cause instanceof KaitianError ? lateOnes(cause) : {}
}
