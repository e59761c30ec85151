import type { SgdOptions } from '../run/task.js'

/**
 * Learning rate of the step after `committed` steps, rounded to fp32 because
 * it travels in the plan and every device must multiply by the same bits.
 * Cosine decay to 0 follows arXiv 1608.03983 without restarts.
 */
export function learningRate(options: SgdOptions, committed: number, totalSteps: number): number {
  if (committed < options.warmupSteps) {
    return Math.fround((options.learningRate * (committed + 1)) / options.warmupSteps)
  }
  if (options.schedule === 'constant') return Math.fround(options.learningRate)
  const span = Math.max(1, totalSteps - options.warmupSteps)
  const progress = Math.min(1, (committed - options.warmupSteps) / span)
  return Math.fround(options.learningRate * 0.5 * (1 + Math.cos(Math.PI * progress)))
}
