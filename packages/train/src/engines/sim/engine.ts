import type { Clock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { Layout, Model } from '../../model/model.js'
import { checkBatch, checkState } from '../check.js'
import type { Batch, BatchResult, Engine, EngineOptions } from '../engine.js'
import type { Pace } from '../../run/options.js'
import { paceMs, paceOf } from '../pace.js'
import { anchor, CHANNELS, onGrid, pull, UNITS } from './grid.js'

/** `ready` calls of one step, at most. */
const PARTS = 8

const WARM_UP_PASSES = 5

/** Share of a step that passes before the first gradient is ready: the forward pass. */
const FORWARD = 1 / 3

/**
 * A simulated device: it takes alphaMs + betaMs × samples of the injected
 * clock's time and computes a small exact gradient (see grid.ts) from the
 * sample ids alone, whatever the model's layers are. Settings: `alphaMs`,
 * `betaMs`, both 0 by default; `mostSamples` that its memory holds at once,
 * more are OUT_OF_MEMORY on the way back. Throws BAD_CONFIG.
 */
export async function openSimEngine({ model, clock, settings }: EngineOptions): Promise<SimEngine> {
  const { mostSamples = Infinity, ...pace } = settings as { mostSamples?: number }
  return new SimEngine(model, clock, paceOf(pace), mostSamples)
}

export class SimEngine implements Engine {
  readonly name = 'sim'
  readonly description: string
  private readonly model: Model
  private readonly clock: Clock
  private readonly pace: Pace
  private readonly mostSamples: number
  /** Where each part of the gradient begins, last part first; ends with 0. */
  private readonly parts: readonly number[]
  /** The weights' distance from their anchors, in units. */
  private distance: Float64Array | undefined

  constructor(model: Model, clock: Clock, pace: Pace, mostSamples = Infinity) {
    this.model = model
    this.clock = clock
    this.pace = pace
    this.mostSamples = mostSamples
    this.parts = partsOf(model.layout)
    this.description = `simulated, ${pace.alphaMs} ms + ${pace.betaMs} ms a sample`
  }

  load(parameters: Float32Array): void {
    const { stateSize, weightSize } = this.model.layout
    checkState(parameters, stateSize)
    this.distance = Float64Array.from(
      parameters.subarray(0, weightSize),
      (weight, index) => onGrid(weight) - anchor(index),
    )
  }

  /** Only the arithmetic, not the simulated time: V8's warm-up would pass for a slow device. */
  warmUp(): void {
    const { stateSize } = this.model.layout
    const into = new Float32Array(stateSize)
    const ids = Uint32Array.of(0, 1, 2, 3)
    const distance = this.distance ?? new Float64Array(stateSize)
    for (let pass = 0; pass < WARM_UP_PASSES; pass++) {
      const pulls = summedPulls({ count: ids.length, ids })
      momentsOf(distance)
      this.write(into, { from: 0, end: stateSize }, { count: ids.length, pulls, distance })
    }
  }

  async gradient(
    batch: Batch,
    into: Float32Array,
    ready: (from: number) => void,
    signal?: AbortSignal,
  ): Promise<BatchResult> {
    const { stateSize } = this.model.layout
    const distance = this.checkReady(batch)
    checkState(into, stateSize)
    const pulls = summedPulls(batch)
    const result = this.losses(batch, distance)
    const duration = paceMs(this.pace, batch.count)
    await this.wait(duration * FORWARD, signal)
    let end = stateSize
    for (const from of this.parts) {
      if (end < stateSize || this.parts.length === 1) this.checkRoom(batch)
      await this.wait((duration * (1 - FORWARD) * (end - from)) / stateSize, signal)
      this.write(into, { from, end }, { count: batch.count, pulls, distance })
      ready(from)
      end = from
    }
    return result
  }

  async evaluate(batch: Batch): Promise<BatchResult> {
    this.checkRoom(batch)
    const result = this.losses(batch, this.checkReady(batch))
    await this.wait(paceMs(this.pace, batch.count) * FORWARD)
    return result
  }

  dispose(): void {
    this.distance = undefined
  }

  /** Sums over the batch's samples; a running statistic is 2 + target, so it is never negative. */
  private write(
    into: Float32Array,
    { from, end }: { from: number; end: number },
    { count, pulls, distance }: { count: number; pulls: Float64Array; distance: Float64Array },
  ): void {
    for (let j = from; j < end; j++) {
      const sum = pulls[j % CHANNELS]
      const isWeight = j < distance.length
      const units = isWeight ? count * distance[j] - sum : count * (2 * UNITS + anchor(j)) + sum
      into[j] = units / UNITS
    }
  }

  /** A sample counts as correct below a loss of 1/4 a weight, half way from 0 weights to the optimum. */
  private losses({ count, ids }: Batch, distance: Float64Array): BatchResult {
    const moments = momentsOf(distance)
    const scale = 2 ** -Math.ceil(Math.log2(Math.max(distance.length, 1)))
    let lossSum = 0
    let correct = 0
    for (let sample = 0; sample < count; sample++) {
      const loss = lossOf(moments, ids[sample])
      lossSum += loss * scale
      if (loss < distance.length / 4) correct++
    }
    return { count, lossSum, correct }
  }

  private async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms > 0) await this.clock.sleep(ms, signal)
  }

  private checkRoom({ count }: Batch): void {
    if (count <= this.mostSamples) return
    throw new KaitianError(
      'OUT_OF_MEMORY',
      `The sim engine holds ${this.mostSamples} samples, not ${count}; use smaller shards or batches.`,
    )
  }

  private checkReady(batch: Batch): Float64Array {
    checkBatch(batch, this.model)
    if (this.distance !== undefined) return this.distance
    throw new KaitianError('BAD_ARGUMENT', 'Call load(parameters) before the first step.')
  }
}

/** Σ over samples of each channel's pull, in units. */
function summedPulls({ count, ids }: Pick<Batch, 'count' | 'ids'>): Float64Array {
  const sums = new Float64Array(CHANNELS)
  for (let sample = 0; sample < count; sample++) {
    for (let k = 0; k < CHANNELS; k++) sums[k] += pull(ids[sample], k)
  }
  return sums
}

/** Count, Σ and Σ² of the distances of each channel, so that a sample's loss costs 16 terms. */
function momentsOf(distance: Float64Array): Record<'count' | 'sum' | 'square', number>[] {
  const moments = Array.from({ length: CHANNELS }, () => ({ count: 0, sum: 0, square: 0 }))
  distance.forEach((value, j) => {
    const moment = moments[j % CHANNELS]
    moment.count++
    moment.sum += value
    moment.square += value * value
  })
  return moments
}

/** ½ Σ_j (distance − pull)², whole numbers until the last factor, so exact in f64. */
function lossOf(moments: ReturnType<typeof momentsOf>, id: number): number {
  let total = 0
  moments.forEach(({ count, sum, square }, k) => {
    const p = pull(id, k)
    total += square - 2 * p * sum + count * p * p
  })
  return total / (2 * UNITS * UNITS)
}

/** Cuts the flat state at tensor borders into at most PARTS parts of similar size. */
function partsOf({ tensors, stateSize }: Layout): number[] {
  const parts: number[] = []
  let end = stateSize
  for (const { offset } of tensors.toReversed()) {
    if (offset > 0 && end - offset < stateSize / PARTS) continue
    parts.push(offset)
    end = offset
  }
  if (parts.at(-1) !== 0) parts.push(0)
  return parts
}
