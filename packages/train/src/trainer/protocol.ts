import { ask, protocol, tell } from '@kaitian/actors'
import type { Plan, Vote } from '../step/plan.js'

export const TrainerProtocol = protocol({
  /** Brings devices, leaders and bridges up. */
  open: ask<void, void>(),
  /** Starts the loop; its end comes through the trainer's `emit`, as the event `end`. */
  begin: tell<void>(),
  vote: tell<Vote>(),
  /** A group's collectives failed; suspects are devices that did not do their part in time. */
  failed: tell<{
    generation: number
    group: string
    cause: string
    suspects: readonly string[]
  }>(),
  /** Told to itself: a device is gone for good. */
  down: tell<{ device: string; cause: string }>(),
  /** Told to itself: a plan and its data are there. */
  planned: tell<Plan>(),
  /** Told to itself: planning failed for good. */
  broken: tell<{ error: unknown }>(),
  /** Told to itself: a deadline may have passed. */
  tick: tell<void>(),
  halt: tell<void>(),
  kill: ask<{ device: string }, void>(),
  slow: ask<{ device: string; factor: number }, void>(),
})
