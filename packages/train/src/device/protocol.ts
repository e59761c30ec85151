import { ask, protocol, tell, type Ref } from '@kaitian/actors'
import type { CommunicatorTicket, DType, Region } from '@kaitian/comm-native'
import type { FeedLayout, ShardSlot } from '../data/feed.js'
import type { BatchResult } from '../engines/engine.js'
import type { ModelDescription } from '../model/model.js'
import type { Pace } from '../run/options.js'
import type { MemberState } from '../step/member.js'
import type { AttemptId, Plan } from '../step/plan.js'
import type { TrainerProtocol } from '../trainer/protocol.js'
import type { StateRegions, UpdateRule } from './state.js'

/** Everything a device actor needs to start; plain data and shared memory. */
export interface DeviceArgs {
  readonly device: string
  readonly group: string
  readonly engine: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly pace?: Pace
  readonly model: ModelDescription
  /** f32 [stateSize] in shared memory: the bits that every device starts from. */
  readonly initial: Float32Array
  readonly rule: UpdateRule
  readonly train: FeedLayout
  readonly test: FeedLayout
  readonly backend: 'auto' | 'native' | 'typescript'
  readonly deterministic: boolean
  /** Elements of a gradient bucket. */
  readonly bucketSize: number
  readonly trainer: Ref<typeof TrainerProtocol>
}

/** A membership as one device sees it. */
export interface Entry {
  readonly generation: number
  readonly ticket: CommunicatorTicket
  readonly rank: number
}

export interface Joined {
  readonly regions: Readonly<Partial<Record<DType, Region>>>
  readonly digest: string
}

export interface DeviceInfo {
  /** The engine's own words on what it runs on. */
  readonly description: string
  readonly backend: string
  readonly regions: StateRegions
}

/** What a device shows of itself. */
export interface DeviceView {
  /** Where it is in the step: `reducing` means that it waits for the others. */
  readonly phase: MemberState['phase']
  readonly digest: string
  /** Which of the two buffers is current. */
  readonly current: 0 | 1
}

export const DeviceProtocol = protocol({
  describe: ask<void, DeviceInfo>(),
  /** Leaves the old generation and opens a fresh arena for the new one. */
  join: ask<void, Joined>(),
  enter: ask<Entry, void>(),
  plan: tell<{ plan: Plan; slots: ShardSlot[] }>(),
  reduced: tell<AttemptId>(),
  commit: tell<AttemptId>(),
  discard: tell<AttemptId>(),
  evaluate: ask<{ slots: ShardSlot[] }, BatchResult>(),
  view: ask<void, DeviceView>(),
  slow: tell<{ factor: number }>(),
  /** Told to itself: the shaped time of an attempt is over. */
  shaped: tell<AttemptId>(),
})
