import type { SgdOptions, Task } from '@kaitian/train'

/** Names the type of a task module's default export; checked when the run opens. */
export function defineTask(task: Task): Task {
  return task
}

/**
 * SGD with momentum (heavy ball) and L2 weight decay, with the usual values
 * for what is left out: no momentum, decay or warm-up, a constant rate.
 */
export function sgd(
  options: Pick<SgdOptions, 'learningRate'> & Partial<Omit<SgdOptions, 'kind'>>,
): SgdOptions {
  return {
    kind: 'sgd',
    momentum: 0,
    weightDecay: 0,
    warmupSteps: 0,
    schedule: 'constant',
    ...options,
  }
}
