import type { GroupDescription } from 'kaitian'

// Everything about the demo that can be tuned, in one place.

/** Samples of the made-up data set. */
export const DATA = { train: 4096, test: 1000 }

export const TRAINING = { batch: 96, shard: 4, epochs: 7, learningRate: 0.1, warmupSteps: 30 }

export const STEPS_PER_EPOCH = Math.ceil(DATA.train / TRAINING.batch)
export const TOTAL_STEPS = STEPS_PER_EPOCH * TRAINING.epochs

/**
 * Two kinds of accelerator that one host does not have: real engines on the
 * CPU, whose pace is held to a profile. A profile has to leave room above the
 * engines' own compute, or the CPU's speed shows through; the demo prints how
 * often it did.
 */
export const GROUPS: readonly [GroupDescription, GroupDescription] = [
  { name: 'sim-gpu', engine: 'tfjs', devices: 'cpu*2', pace: { alphaMs: 6, betaMs: 2 } },
  { name: 'sim-mlu', engine: 'tfjs', devices: 'cpu*2', pace: { alphaMs: 6, betaMs: 4 } },
]

/** Shares of the run's steps after which a device is disturbed. */
export const FAULTS = {
  slow: { at: 0.4, device: 'cpu:0', factor: 2 },
  kill: { at: 0.7, device: 'cpu:3' },
}

/** Steps of the shorter runs that the main one is compared with. */
export const COMPARISON_STEPS = 60
/** Left out of every comparison: the scheduler is still measuring, the engines are still warming up. */
export const SETTLING_STEPS = 15

/** Steps that the record holds in full, for the checker to compute again: every one of so many. */
export const SAMPLE_EVERY = 75

/** Goal for the share of device-steps in which the CPU's own speed showed through. */
export const PACE_GOAL = 0.05
