import { ask, protocol, tell, type Ref } from '@kaitian/actors'
import type { CommunicatorTicket, DType, Region } from '@kaitian/comm-native'
import type { ErrorRecord } from '@kaitian/errors'
import type { Peer } from '../bridge/mesh.js'
import type { DeviceProtocol } from '../device/protocol.js'
import type { Deadlines } from '../run/settings.js'
import type { Bucket } from '../step/buckets.js'
import type { AttemptId } from '../step/plan.js'
import type { TrainerProtocol } from '../trainer/protocol.js'

export interface LeaderArgs {
  readonly group: string
  /** Every group of the run, in group order: the order in which sums combine. */
  readonly groups: readonly string[]
  readonly backend: 'auto' | 'native' | 'typescript'
  readonly buckets: readonly Bucket[]
  readonly flatSize: number
  readonly dtype: DType
  readonly secret: string
  readonly host: string
  readonly port: number
  readonly deadlines: Deadlines
  readonly trainer: Ref<typeof TrainerProtocol>
}

/** A generation as one group's leader sees it; members in rank order. */
export interface Formation {
  readonly generation: number
  readonly members: readonly {
    readonly device: string
    readonly ref: Ref<typeof DeviceProtocol>
    readonly regions: Readonly<Partial<Record<DType, Region>>>
  }[]
  /** Groups that take part, in group order. */
  readonly order: readonly string[]
}

export interface Formed {
  readonly ticket: CommunicatorTicket
  /** Where the global sums will lie; absent when this group is alone. */
  readonly result?: Region
}

export const LeaderProtocol = protocol({
  /** Opens the bridge's endpoint; nothing when the run has one group. */
  open: ask<void, Peer | null>(),
  connect: ask<{ peers: readonly Peer[] }, void>(),
  form: ask<Formation, Formed>(),
  /** Issues the attempt's buckets. */
  step: tell<AttemptId>(),
  abort: tell<{ generation: number; cause: string }>(),
  /** The bridge's word on one bucket. */
  exchanged: tell<{ generation: number; sequence: number; error?: ErrorRecord }>(),
})
