import { loadBackend, type Region } from '@kaitian/comm-native'
import { floats, type StateRegions } from '../device/state.js'
import { readSums } from '../device/sums.js'
import type { Batch } from '../engines/engine.js'
import { recordStep, type StepRecord } from '../record/step-record.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan } from '../step/plan.js'

/**
 * A step in full, read from shared memory between the votes and the commit:
 * the voter's current buffer still holds the state before it. Every commit
 * flips, so the number of commits says which buffer that is.
 */
export function sampleStep(
  settings: RunSettings,
  parts: {
    readonly plan: Plan
    readonly batch: Batch
    readonly regions: StateRegions
    readonly sums: Region
    readonly committed: number
  },
): StepRecord {
  const { plan, batch, regions, sums, committed } = parts
  const current = committed % 2 === 0 ? 0 : 1
  const buffer = (index: 0 | 1) => ({
    state: floats(regions.state[index]),
    velocity: floats(regions.velocity[index]),
  })
  const { kernels } = loadBackend(settings.backend)
  return recordStep({
    epoch: plan.epoch,
    step: plan.step,
    learningRate: plan.learningRate,
    input: settings.model.description.input,
    batch,
    before: buffer(current),
    after: buffer(current === 0 ? 1 : 0),
    sum: readSums(sums, settings.buckets, plan.exponents, kernels).sum,
  })
}
