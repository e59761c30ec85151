import { loadBackend } from '@kaitian/comm-native'
import { permutation } from '../data/permutation.js'
import { stateDigest } from '../optimiser/digest.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan, Vote } from '../step/plan.js'
import { Recorder } from './recorder.js'
import type { StepRecord } from './step-record.js'

/**
 * What the cluster decided, in the order in which it did, in the words of
 * docs/run-record.md. Without a recorder nothing is kept.
 */
export class Journal {
  readonly #recorder: Recorder | undefined
  readonly #settings: RunSettings
  #epochs = 0
  #sums: EpochSums | undefined

  private constructor(settings: RunSettings, recorder: Recorder | undefined) {
    this.#settings = settings
    this.#recorder = recorder
  }

  /** @param labels class of each training sample, by its id */
  static async open(
    settings: RunSettings,
    initial: Float32Array,
    labels: Uint8Array,
  ): Promise<Journal> {
    const { record } = settings.options
    if (record === undefined) return new Journal(settings, undefined)
    const recorder = await Recorder.open(record.folder, describe(settings, initial))
    recorder.labels(labels)
    return new Journal(settings, recorder)
  }

  /** True for steps that are to be recorded in full: every so many, the first and the last. */
  samples(committed: number): boolean {
    const every = this.#settings.options.record?.sampleEvery ?? 0
    if (this.#recorder === undefined || every === 0) return false
    return committed % every === 0 || committed === this.#settings.totalSteps - 1
  }

  generation(
    generation: number,
    members: readonly { group: string; device: string }[],
    cause: string,
  ): void {
    this.#recorder?.line({ type: 'generation', generation, members, cause })
  }

  /** @param from digest of the state that the step starts from */
  plan(plan: Plan, from: string): void {
    this.#beginEpoch(plan.epoch)
    const { shares, ordinal, shardCount: _, moved: __, unmeasured: ___, ...rest } = plan
    const each = <T>(value: (name: string) => T): Record<string, T> =>
      Object.fromEntries(Object.keys(shares).map((name) => [name, value(name)]))
    this.#recorder?.line({
      type: 'plan',
      ...rest,
      attempt: ordinal,
      from,
      shards: each((name) => [shares[name].first, shares[name].count]),
      quotas: each((name) => shares[name].quota),
    })
  }

  commit(plan: Plan, votes: readonly Vote[], cursor: number): void {
    const { generation, epoch, step, size, ordinal: attempt } = plan
    const sums = (this.#sums ??= { epoch, steps: 0, samples: 0, lossSum: 0, correct: 0 })
    sums.steps++
    sums.samples += size
    for (const vote of votes) {
      sums.lossSum += lossOf(vote)
      sums.correct += vote.correct
    }
    this.#votes(plan, votes)
    const { digest } = votes[0]
    const entry = { generation, epoch, step, attempt, size, digest, cursor }
    this.#recorder?.line({ type: 'commit', ...entry })
  }

  /** All have voted, but for numbers that left their range. */
  retry(plan: Plan, votes: readonly Vote[], cause: string): void {
    this.#votes(plan, votes)
    this.abort(plan, cause)
  }

  abort({ generation, epoch, step, ordinal: attempt }: Plan, cause: string): void {
    this.#recorder?.line({ type: 'abort', generation, epoch, step, attempt, cause })
  }

  sample(record: StepRecord): void {
    this.#recorder?.step(record)
  }

  async end(reason: 'finished' | 'interrupted', digest: string): Promise<void> {
    this.#endEpoch()
    this.#recorder?.line({ type: 'end', reason, digest })
    await this.close()
  }

  /** Without an end line the record says that the run was cut off. */
  async close(): Promise<void> {
    await this.#recorder?.close()
  }

  #votes({ generation, epoch, step, ordinal: attempt }: Plan, votes: readonly Vote[]): void {
    for (const vote of votes) {
      const { device, shards, count, idSum, digest, correct, computeMs, maxima } = vote
      const ballot = { device, shards, count, idSum, digest, lossSum: lossOf(vote), correct }
      const measured = maxima === undefined ? {} : { maxima }
      const line = { ...ballot, ...measured, computeMs }
      this.#recorder?.line({ type: 'vote', generation, epoch, step, attempt, ...line })
    }
  }

  #endEpoch(): void {
    if (this.#sums === undefined) return
    this.#recorder?.line({ type: 'epochEnd', ...this.#sums })
    this.#sums = undefined
  }

  #beginEpoch(epoch: number): void {
    if (epoch < this.#epochs) return
    this.#endEpoch()
    this.#epochs = epoch + 1
    const { seed, dealing } = this.#settings
    this.#recorder?.epoch(epoch, permutation(seed, epoch, dealing.samples))
  }
}

function lossOf({ lossSums }: Vote): number {
  return lossSums.reduce((sum, loss) => sum + loss, 0)
}

/** What an epoch came to, over its committed steps. */
interface EpochSums {
  readonly epoch: number
  steps: number
  samples: number
  lossSum: number
  correct: number
}

function describe(settings: RunSettings, initial: Float32Array): object {
  const { model, dealing, groups, task, options } = settings
  const { kind, momentum, weightDecay, learningRate, warmupSteps } = task.optimiser
  // A loop of the user's own may ask for any rate.
  const schedule = options.loop === undefined ? task.optimiser.schedule : 'loop'
  const { weightSize, stateSize, tensors } = model.layout
  const { kernels } = loadBackend(settings.backend)
  return {
    version: 2,
    seed: settings.seed,
    samples: dealing.samples,
    shardSize: dealing.shard,
    globalBatch: dealing.batch,
    epochs: settings.epochs,
    totalSteps: settings.totalSteps,
    sampleEvery: options.record?.sampleEvery ?? 0,
    mode: settings.deterministic ? 'deterministic' : 'fp32',
    model: model.description,
    tensors,
    weightSize,
    stateSize,
    optimiser: { kind, momentum, weightDecay, learningRate, warmupSteps, schedule },
    groups: groups.map(({ name, devices }) => ({ name, devices })),
    engines: Object.fromEntries(
      groups.flatMap(({ devices, engine }) => devices.map((device) => [device, engine])),
    ),
    digest: stateDigest(kernels, initial, new Float32Array(weightSize)),
    buckets: settings.buckets.map(({ offset, count }) => ({
      offset,
      size: Math.min(count, stateSize - offset),
    })),
  }
}
