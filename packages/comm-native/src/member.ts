import {
  allgatherCall,
  allreduceCall,
  allToAllCall,
  BARRIER,
  broadcastCall,
  gatherCall,
  messageCall,
  reduceCall,
  reduceScatterCall,
  scatterCall,
  type Call,
} from './calls.js'
import { checkRank } from './checks.js'
import type { Data, DType } from './dtype.js'
import type { Op } from './op.js'
import type {
  CommunicatorTicket,
  Membership,
  MoveCall,
  ReduceCall,
  RootedCall,
  Signature,
} from './types.js'

/** What all implementations of a membership have in common: the collectives, as checked calls. */
export abstract class Member implements Membership {
  readonly rank: number
  readonly size: number
  protected readonly ticket: CommunicatorTicket

  constructor(ticket: CommunicatorTicket, rank: number) {
    checkRank(ticket.members, rank)
    this.rank = rank
    this.size = ticket.members.length
    this.ticket = ticket
  }

  abstract ready(signature: Signature): void
  abstract readonly aborted: string | undefined
  abstract leave(): void

  /** Nothing when the call was carried out on the spot. */
  protected abstract call(call: Call): Promise<void> | undefined
  /** One end of a message between two ranks. */
  protected abstract pass(peer: number, call: Call): Promise<void> | undefined

  async allreduce(call: ReduceCall & { background?: boolean }): Promise<void> {
    const pending = this.call(allreduceCall(call))
    // The hottest call: a turn of the microtask queue is a tenth of it.
    if (pending !== undefined) await pending
  }

  async reduce(call: ReduceCall & RootedCall): Promise<void> {
    await this.call(reduceCall(this, call))
  }

  async broadcast(call: RootedCall & { data: Data; dtype?: DType }): Promise<void> {
    await this.call(broadcastCall(this, call))
  }

  async allgather(call: MoveCall): Promise<void> {
    await this.call(allgatherCall(this, call))
  }

  async reduceScatter(call: MoveCall & { op?: Op }): Promise<void> {
    await this.call(reduceScatterCall(this, call))
  }

  async allToAll(call: { send: Data; recv?: Data; dtype?: DType }): Promise<void> {
    await this.call(allToAllCall(this, call))
  }

  async gather(call: RootedCall & Partial<MoveCall>): Promise<void> {
    await this.call(gatherCall(this, call))
  }

  async scatter(call: RootedCall & Partial<MoveCall>): Promise<void> {
    await this.call(scatterCall(this, call))
  }

  async barrier(): Promise<void> {
    await this.call(BARRIER)
  }

  async send({ to, ...call }: { to: number; data: Data; dtype?: DType }): Promise<void> {
    await this.pass(to, messageCall(this, to, call, 'send'))
  }

  async receive({ from, ...call }: { from: number; data: Data; dtype?: DType }): Promise<void> {
    await this.pass(from, messageCall(this, from, call, 'recv'))
  }
}
