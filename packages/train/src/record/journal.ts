import { permutation } from '../data/permutation.js'
import { stateDigest } from '../optimiser/digest.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan, Vote } from '../step/plan.js'
import { Recorder } from './recorder.js'
import type { StepRecord } from './step-record.js'

/**
 * What the trainer decided, in the order in which it did, in the words of
 * docs/run-record.md. Without a recorder nothing is kept.
 */
export class Journal {
  readonly #recorder: Recorder | undefined
  readonly #settings: RunSettings
  #epochs = 0

  private constructor(settings: RunSettings, recorder: Recorder | undefined) {
    this.#settings = settings
    this.#recorder = recorder
  }

  static async open(settings: RunSettings, initial: Float32Array): Promise<Journal> {
    const { record } = settings.options
    if (record === undefined) return new Journal(settings, undefined)
    return new Journal(settings, await Recorder.open(record.folder, describe(settings, initial)))
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

  plan(plan: Plan): void {
    this.#beginEpoch(plan.epoch)
    const { shares, ordinal, shardCount: _, moved: __, unmeasured: ___, ...rest } = plan
    const each = <T>(value: (name: string) => T): Record<string, T> =>
      Object.fromEntries(Object.keys(shares).map((name) => [name, value(name)]))
    this.#recorder?.line({
      type: 'plan',
      ...rest,
      attempt: ordinal,
      shards: each((name) => [shares[name].first, shares[name].count]),
      quotas: each((name) => shares[name].quota),
    })
  }

  commit(plan: Plan, votes: readonly Vote[], cursor: number): void {
    const { generation, epoch, step, size, ordinal: attempt } = plan
    for (const vote of votes) {
      const { device, shards, count, idSum, digest, correct, computeMs } = vote
      const lossSum = vote.lossSums.reduce((sum, loss) => sum + loss, 0)
      const ballot = { device, shards, count, idSum, digest, lossSum, correct, computeMs }
      this.#recorder?.line({ type: 'vote', generation, epoch, step, attempt, ...ballot })
    }
    const { digest } = votes[0]
    const entry = { generation, epoch, step, attempt, size, digest, cursor }
    this.#recorder?.line({ type: 'commit', ...entry })
  }

  abort({ generation, epoch, step, ordinal: attempt }: Plan, cause: string): void {
    this.#recorder?.line({ type: 'abort', generation, epoch, step, attempt, cause })
  }

  sample(record: StepRecord): void {
    this.#recorder?.step(record)
  }

  async end(reason: 'finished' | 'interrupted', digest: string): Promise<void> {
    this.#recorder?.line({ type: 'end', reason, digest })
    await this.close()
  }

  /** Without an end line the record says that the run was cut off. */
  async close(): Promise<void> {
    await this.#recorder?.close()
  }

  #beginEpoch(epoch: number): void {
    if (epoch < this.#epochs) return
    this.#epochs = epoch + 1
    const { seed, dealing } = this.#settings
    this.#recorder?.epoch(epoch, permutation(seed, epoch, dealing.samples))
  }
}

function describe(settings: RunSettings, initial: Float32Array): object {
  const { model, dealing, groups, task } = settings
  const { weightSize, stateSize, tensors } = model.layout
  return {
    version: 1,
    seed: settings.seed,
    samples: dealing.samples,
    shardSize: dealing.shard,
    globalBatch: dealing.batch,
    epochs: settings.epochs,
    mode: settings.deterministic ? 'deterministic' : 'fp32',
    model: model.description,
    tensors,
    weightSize,
    stateSize,
    optimiser: {
      kind: task.optimiser.kind,
      momentum: task.optimiser.momentum,
      weightDecay: task.optimiser.weightDecay,
    },
    groups: groups.map(({ name, devices }) => ({ name, devices })),
    engines: Object.fromEntries(
      groups.flatMap(({ devices, engine }) => devices.map((device) => [device, engine])),
    ),
    digest: stateDigest(initial, new Float32Array(weightSize)),
    buckets: settings.buckets.map(({ offset, count }) => ({
      offset,
      size: Math.min(count, stateSize - offset),
    })),
  }
}
