import { loadBackend, type Region } from '@kaitian/comm-native'
import { currentBuffer, nextBuffer, type StateRegions } from '../device/state.js'
import { readSums } from '../device/sums.js'
import type { Batch } from '../engines/engine.js'
import { recordStep, type StepRecord } from '../record/step-record.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan } from '../step/plan.js'

/**
 * A step in full, read from shared memory between the votes and the commit:
 * the voter's current buffer still holds the state before it.
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
  const { kernels } = loadBackend(settings.backend)
  return recordStep({
    epoch: plan.epoch,
    step: plan.step,
    learningRate: plan.learningRate,
    input: settings.model.description.input,
    batch,
    before: currentBuffer(regions, committed),
    after: nextBuffer(regions, committed),
    sum: readSums(sums, settings.buckets, plan.exponents, kernels).sum,
  })
}
