import type { ErrorCode } from '@kaitian/errors'
import type { Plan, Vote } from './plan.js'

export type CoordinatorState =
  | Idle
  | { readonly phase: 'forming'; readonly membership: Membership }
  /** A generation is there, and nothing is asked of it. */
  | { readonly phase: 'ready'; readonly membership: Membership }
  | { readonly phase: 'planning'; readonly membership: Membership }
  | { readonly phase: 'stepping'; readonly membership: Membership; readonly attempt: Attempt }
  | { readonly phase: 'ended' }

interface Idle {
  readonly phase: 'idle'
}

export interface Membership {
  readonly generation: number
  /** Devices, in rank order. */
  readonly members: readonly string[]
  /** Steps handed out in this generation. */
  readonly ordinal: number
  /** A step was asked for that is not committed yet. */
  readonly asked: boolean
  /** Generations in a row that ended without a commit and without losing a member. */
  readonly fruitless: number
  /** Attempts in a row whose numbers left the range. */
  readonly retries: number
  /** What devices have met since the last commit, in their own words, in the order in which it came. */
  readonly faults: readonly DeviceFault[]
}

/** An error that a device met itself; to be killed or lost is none. */
export interface DeviceFault {
  readonly device: string
  readonly code: ErrorCode
  readonly message: string
}

export interface Attempt {
  readonly plan: Plan
  readonly deadlineAt: number
  readonly votes: readonly Vote[]
}

export type CoordinatorEvent =
  | { readonly kind: 'start'; readonly members: readonly string[] }
  | { readonly kind: 'formed'; readonly generation: number }
  /** The loop wants a step. */
  | { readonly kind: 'request' }
  | { readonly kind: 'planned'; readonly plan: Plan; readonly deadlineMs: number }
  | { readonly kind: 'vote'; readonly vote: Vote }
  /** An operation of the generation failed; suspects are devices that are to be given up. */
  | {
      readonly kind: 'failed'
      readonly generation: number
      readonly cause: string
      readonly suspects: readonly string[]
    }
  /** A device is gone, or of no use. Its own word on it may come after the others have given it up. */
  | {
      readonly kind: 'down'
      readonly device: string
      readonly cause: string
      readonly fault?: DeviceFault
      /** It told a fault of its own and is still there. */
      readonly remains?: boolean
    }
  | { readonly kind: 'tick' }
  | { readonly kind: 'stop' }

export type Effect =
  | {
      readonly kind: 'form'
      readonly generation: number
      readonly members: readonly string[]
      readonly cause: string
    }
  | { readonly kind: 'plan'; readonly generation: number; readonly ordinal: number }
  | { readonly kind: 'dispatch'; readonly plan: Plan }
  | {
      readonly kind: 'abort'
      readonly generation: number
      readonly plan?: Plan
      readonly cause: string
    }
  | { readonly kind: 'evict'; readonly devices: readonly string[]; readonly cause: string }
  | {
      readonly kind: 'commit'
      readonly plan: Plan
      readonly votes: readonly Vote[]
    }
  /** Every member finished, but the numbers left the range: the same shards again, other scales. */
  | { readonly kind: 'retry'; readonly plan: Plan; readonly votes: readonly Vote[] }
  | {
      readonly kind: 'end'
      readonly outcome: 'stopped' | 'failed'
      readonly code?: ErrorCode
      readonly cause: string
    }
  | { readonly kind: 'ignore'; readonly cause: string }

export interface Transition {
  readonly state: CoordinatorState
  readonly effects: readonly Effect[]
}
