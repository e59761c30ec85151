import type { KaitianError } from '@kaitian/errors'
import type { EpochEvent, RunSummary, StepEvent } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan, Vote } from '../step/plan.js'
import type { Tally } from './tally.js'

const EVALUATION_PATIENCE = 4

/** Adds up committed steps into what a run tells: steps, epochs, the summary. */
export class Progress {
  readonly #settings: RunSettings
  readonly #epochs: EpochEvent[] = []
  #committed = 0
  #samples = 0
  #stepMs = 0
  #slowestMs = 0
  #pacedSteps = 0
  #exceededSteps = 0
  #epoch = emptyEpoch()
  #digest = ''
  /** What a sample last took each device to compute, in ms. */
  readonly #sampleMs = new Map<string, number>()

  constructor(settings: RunSettings) {
    this.#settings = settings
  }

  get committed(): number {
    return this.#committed
  }

  /** Digest of the last committed state, or of the one that the run started from. */
  get digest(): string {
    return this.#digest
  }

  /**
   * How long so many samples may take a device to evaluate: what it needs to train on them is three
   * times as much and more, and it has several times that.
   */
  patienceMs(device: string, samples: number): number {
    const measured = EVALUATION_PATIENCE * samples * (this.#sampleMs.get(device) ?? 0)
    return Math.max(this.#settings.deadlines.control, measured)
  }

  startFrom(digest: string): void {
    this.#digest = digest
  }

  /** Takes a committed step in; `cursor` counts the epoch's committed samples, this step included. */
  step(plan: Plan, votes: readonly Vote[], stepMs: number, cursor: number): StepEvent {
    const slowestMs = Math.max(...votes.map(({ computeMs }) => computeMs))
    const lossSum = orderedLoss(votes)
    const correct = votes.reduce((sum, vote) => sum + vote.correct, 0)
    this.#committed++
    this.#digest = votes[0].digest
    this.#samples += plan.size
    this.#stepMs += stepMs
    this.#slowestMs += slowestMs
    this.#countPace(votes)
    for (const { device, count, computeMs } of votes) {
      if (count > 0) this.#sampleMs.set(device, computeMs / count)
    }
    const { epoch } = this
    epoch.ms += stepMs
    epoch.steps++
    epoch.samples += plan.size
    epoch.lossSum += lossSum
    epoch.correct += correct
    return {
      generation: plan.generation,
      epoch: plan.epoch,
      step: plan.step,
      committed: this.#committed,
      size: plan.size,
      cursor,
      loss: lossSum / plan.size,
      trainAccuracy: correct / plan.size,
      learningRate: plan.learningRate,
      stepMs,
      communicationShare: communicationShare(stepMs, slowestMs),
      devices: inOrder(plan, votes).map((vote) => ({
        device: vote.device,
        group: this.#groupOf(vote.device),
        quota: vote.count,
        computeMs: vote.computeMs,
        ownComputeMs: vote.ownComputeMs,
      })),
      reason: plan.reason,
      moved: plan.moved,
      digest: votes[0].digest,
    }
  }

  get epoch(): ReturnType<typeof emptyEpoch> {
    return this.#epoch
  }

  /** Closes the epoch under way. */
  endEpoch(test: Tally | undefined): EpochEvent {
    const { steps, samples, ms, lossSum, correct } = this.#epoch
    this.#epoch = emptyEpoch()
    const event: EpochEvent = {
      epoch: this.#epochs.length,
      ms,
      steps,
      samples,
      ...(samples < this.#settings.dealing.samples ? { partial: true } : {}),
      loss: lossSum / samples,
      trainAccuracy: correct / samples,
      ...(this.#settings.groups.some(({ engine }) => engine === 'sim') ? { simulated: true } : {}),
      ...(test === undefined
        ? {}
        : {
            test: {
              samples: test.count,
              loss: test.lossSum / test.count,
              accuracy: test.correct / test.count,
            },
          }),
    }
    this.#epochs.push(event)
    return event
  }

  summary(
    end: Pick<RunSummary, 'outcome' | 'digests' | 'generations' | 'ms' | 'save'>,
    error?: KaitianError,
  ): RunSummary {
    const { record } = this.#settings.options
    return {
      ...end,
      ...(error === undefined ? {} : { outcome: 'failed', error }),
      epochs: this.#epochs,
      steps: this.#committed,
      samples: this.#samples,
      samplesPerSecond: end.ms > 0 ? (this.#samples / end.ms) * 1000 : 0,
      communicationShare: communicationShare(this.#stepMs, this.#slowestMs),
      ...(this.#pacedSteps > 0 ? { paceExceeded: this.#exceededSteps / this.#pacedSteps } : {}),
      ...(record === undefined ? {} : { recordFolder: record.folder }),
    }
  }

  /** A device-step whose own compute filled the whole shaped time was not shaped at all. */
  #countPace(votes: readonly Vote[]): void {
    for (const { device, count, computeMs, ownComputeMs } of votes) {
      const paced = this.#settings.groups.some(
        ({ devices, pace }) => pace !== undefined && devices.includes(device),
      )
      if (!paced || count === 0) continue
      this.#pacedSteps++
      if (ownComputeMs >= computeMs) this.#exceededSteps++
    }
  }

  #groupOf(device: string): string {
    return this.#settings.groups.find(({ devices }) => devices.includes(device))!.name
  }
}

function emptyEpoch() {
  return { ms: 0, steps: 0, samples: 0, lossSum: 0, correct: 0 }
}

/** In the order of the shards, so that deterministic mode prints one loss for any split. */
function orderedLoss(votes: readonly Vote[]): number {
  const ordered = votes
    .filter(({ shards }) => shards.length > 0)
    .toSorted((a, b) => a.shards[0] - b.shards[0])
  return ordered.flatMap(({ lossSums }) => lossSums).reduce((sum, loss) => sum + loss, 0)
}

/** Votes come as they come; people and programs read them in the run's order. */
function inOrder({ shares }: Plan, votes: readonly Vote[]): readonly Vote[] {
  const names = Object.keys(shares)
  return votes.toSorted((a, b) => names.indexOf(a.device) - names.indexOf(b.device))
}

function communicationShare(stepMs: number, slowestMs: number): number {
  return stepMs > 0 ? Math.max(0, stepMs - slowestMs) / stepMs : 0
}
