import { ask, protocol, tell } from '@kaitian/actors'
import type { CommunicatorTicket, DType, Region } from '@kaitian/comm-native'
import type { FeedLayout, ShardSlot } from '../data/feed.js'
import type { BatchResult } from '../engines/engine.js'
import type { ModelDescription } from '../model/model.js'
import type { Pace } from '../run/options.js'
import type { MemberState } from '../step/member.js'
import type { Assignment, AttemptId, Vote } from '../step/plan.js'
import type { StateRegions, UpdateRule } from './state.js'

/** Everything a device actor needs to start; plain data and shared memory. */
export interface DeviceArgs {
  readonly device: string
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

/** A device's order for one step, and where its samples lie. */
export interface StepOrder {
  readonly assignment: Assignment
  readonly slots: readonly ShardSlot[]
}

/**
 * How a step ended on a device: with its vote, or with why the collectives failed, which is no
 * fault of the device. What it met itself is thrown.
 */
export type StepReply = { readonly vote: Vote } | { readonly failure: CollectiveFailure }

export interface CollectiveFailure {
  readonly cause: string
  /** Devices that did not do their part in time. */
  readonly suspects: readonly string[]
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
  /** Computes, reduces, updates, votes. Its signal ends a wait at once, a computation at the next bucket. */
  step: ask<StepOrder, StepReply>(),
  commit: tell<AttemptId>(),
  discard: tell<AttemptId>(),
  evaluate: ask<{ slots: ShardSlot[] }, BatchResult>(),
  view: ask<void, DeviceView>(),
  slow: tell<{ factor: number }>(),
})
