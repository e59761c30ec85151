import { ask, protocol } from '@kaitian/actors'
import type { CommunicatorTicket, DType, Region } from '@kaitian/comm-native'
import type { Peer } from '../bridge/peering.js'
import type { Deadlines } from '../run/settings.js'

export interface LeaderArgs {
  readonly group: string
  readonly backend: 'auto' | 'native' | 'typescript'
  readonly deadlines: Deadlines
  /** Absent where the groups reduce through memory. */
  readonly bridge?: BridgeArgs
}

export interface BridgeArgs {
  /** Every group of the run, in group order: the order in which sums combine. */
  readonly groups: readonly string[]
  readonly secret: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
}

/** A generation as one leader sees it. */
export interface Formation {
  readonly generation: number
  /** Every device that takes part, in rank order: group by group. */
  readonly devices: readonly string[]
  /** Groups that take part, in group order, and how many of the devices are theirs. */
  readonly groups: readonly { readonly name: string; readonly size: number }[]
  /** The devices that this leader leads, in rank order: its group's, or without a bridge all. */
  readonly members: readonly {
    readonly regions: Readonly<Partial<Record<DType, Region>>>
  }[]
}

export const LeaderProtocol = protocol({
  /** Where the other groups reach this one; nothing without a bridge. */
  open: ask<void, Peer | null>(),
  connect: ask<{ peers: readonly Peer[] }, void>(),
  form: ask<Formation, CommunicatorTicket>(),
})
