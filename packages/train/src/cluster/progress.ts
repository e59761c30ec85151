import type { Clock } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import type { EpochEvent, RunSummary, StepEvent, StepTimes, TestResult } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { Plan, Vote } from '../step/plan.js'

/** How many times what it last took a device may take. */
const PATIENCE = 4

/** Adds up committed steps into what a run tells: steps, epochs, the summary. */
export class Progress {
  readonly #settings: RunSettings
  readonly #epochs: EpochEvent[] = []
  #committed = 0
  #samples = 0
  #stepMs = 0
  #reduceMs = 0
  #pacedSteps = 0
  #exceededSteps = 0
  #epoch = emptyEpoch()
  #digest = ''
  /** What a sample last took each device to compute, in ms. */
  readonly #sampleMs = new Map<string, number>()
  /** What its part of a step last took each device to compute, in ms. */
  readonly #computeMs = new Map<string, number>()
  readonly #clock: Clock

  constructor(settings: RunSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
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
    const measured = PATIENCE * samples * (this.#sampleMs.get(device) ?? 0)
    return Math.max(this.#settings.deadlines.control, measured)
  }

  /** How long a device may be busy with a step that was given up, before it answers again. */
  busyMs(device: string): number {
    return PATIENCE * (this.#computeMs.get(device) ?? 0)
  }

  startFrom(digest: string): void {
    this.#digest = digest
  }

  /**
   * Takes a committed step in.
   *
   * @param time from when it was asked for: until its last attempt was handed out, and until now
   * @param epoch its committed samples, this step included, and whether that is all of them
   */
  step(
    plan: Plan,
    votes: readonly Vote[],
    time: { readonly planMs: number; readonly stepMs: number },
    { cursor, endsEpoch }: { readonly cursor: number; readonly endsEpoch: boolean },
  ): StepEvent {
    const { stepMs } = time
    const times = timesOf(votes, time)
    const lossSum = orderedLoss(votes)
    const correct = votes.reduce((sum, vote) => sum + vote.correct, 0)
    this.#committed++
    this.#digest = votes[0].digest
    this.#samples += plan.size
    this.#stepMs += stepMs
    this.#reduceMs += times.reduceMs
    this.#countPace(votes)
    for (const { device, count, computeMs } of votes) {
      this.#computeMs.set(device, computeMs)
      if (count > 0) this.#sampleMs.set(device, computeMs / count)
    }
    const { epoch } = this
    const now = this.#clock.now()
    if (epoch.steps === 0) epoch.startedAt = now - stepMs
    epoch.ms = now - epoch.startedAt
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
      endsEpoch,
      loss: lossSum / plan.size,
      trainAccuracy: correct / plan.size,
      learningRate: plan.learningRate,
      stepMs,
      times,
      communicationShare: part(times.reduceMs, stepMs),
      devices: inOrder(plan, votes).map((vote) => ({
        device: vote.device,
        group: this.#groupOf(vote.device),
        quota: vote.count,
        computeMs: vote.computeMs,
        ownComputeMs: vote.ownComputeMs,
        waitMs: vote.reduceMs - times.reduceMs,
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
  endEpoch(test: TestResult | undefined): EpochEvent {
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
      ...(test && { test }),
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
      communicationShare: part(this.#reduceMs, this.#stepMs),
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
  return { startedAt: 0, ms: 0, steps: 0, samples: 0, lossSum: 0, correct: 0 }
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

/**
 * The device that was waited for most waited least itself: what its sums took is what reducing
 * costs, and what the others waited beyond that they waited for it.
 */
function timesOf(
  votes: readonly Vote[],
  { planMs, stepMs }: { readonly planMs: number; readonly stepMs: number },
): StepTimes {
  const computeMs = Math.max(...votes.map((vote) => vote.computeMs))
  const reduceMs = Math.min(...votes.map((vote) => vote.reduceMs))
  const updateMs = Math.max(...votes.map((vote) => vote.updateMs))
  const known = planMs + computeMs + reduceMs + updateMs
  return { planMs, computeMs, reduceMs, updateMs, messageMs: Math.max(0, stepMs - known) }
}

function part(ms: number, wholeMs: number): number {
  return wholeMs > 0 ? ms / wholeMs : 0
}
