import { tensorsAt, walk, type Description, type Tensor } from './model.js'

/** State and velocity; state is weights, then running statistics. */
export interface Parameters {
  readonly state: Float32Array
  readonly velocity: Float32Array
}

export interface Update {
  readonly sum: Float32Array
  readonly count: number
  readonly learningRate: number
  readonly momentum: number
  readonly weightDecay: number
}

/**
 * One step as docs/run-record.md defines it, to the bit. `Math.fround` around
 * every operation is exactly fp32 arithmetic: a double has more than twice the
 * bits, so that rounding twice equals rounding once for +, −, × and ÷
 * (Figueroa, 1995).
 */
export function replay(
  description: Description,
  tensors: readonly Tensor[],
  before: Parameters,
  update: Update,
): Parameters {
  const state = Float32Array.from(before.state)
  const velocity = Float32Array.from(before.velocity)
  const round = Math.fround
  const momentum = round(update.momentum)
  const decay = round(update.weightDecay)
  const learningRate = round(update.learningRate)
  for (let at = 0; at < velocity.length; at++) {
    const mean = round(update.sum[at] / update.count)
    const gradient = round(mean + round(decay * state[at]))
    velocity[at] = round(round(momentum * velocity[at]) + gradient)
    state[at] = round(state[at] - round(learningRate * velocity[at]))
  }
  replayStatistics(description, tensors, state, update)
  return { state, velocity }
}

function replayStatistics(
  description: Description,
  tensors: readonly Tensor[],
  state: Float32Array,
  { sum, count }: Update,
): void {
  const round = Math.fround
  for (const { path, layer } of walk(description.layers)) {
    if (layer.kind !== 'batchNorm') continue
    const momentum = round(layer.momentum)
    const keep = round(1 - momentum)
    for (const { offset, size } of tensorsAt(tensors, path, 'statistic')) {
      for (let at = offset; at < offset + size; at++) {
        const mean = round(sum[at] / count)
        state[at] = round(round(keep * state[at]) + round(momentum * mean))
      }
    }
  }
}
