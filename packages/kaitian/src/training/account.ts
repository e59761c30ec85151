import type { Clock, Facade } from '@kaitian/actors'
import type { KaitianError } from '@kaitian/errors'
import type { EpochEvent, RunSummary, SaveReport, SentEvents } from '@kaitian/train'

/** Where a run writes what outlives it, if it does. */
export interface Files {
  readonly save?: string
  readonly record?: string
}

/**
 * What a run has told so far: the summary of one that could not tell its end, because it never began,
 * was cut off, or lost its thread.
 */
export class Account {
  readonly #clock: Clock
  readonly #files: Files
  readonly #epochs: EpochEvent[] = []
  #trainSamples = 0
  #startedAt: number | undefined
  #generations = 0
  #steps = 0
  #samples = 0
  #stepMs = 0
  #waitMs = 0

  constructor(clock: Clock, files: Files) {
    this.#clock = clock
    this.#files = files
  }

  follow(events: Facade<object, SentEvents>['events']): void {
    events.on('ready', ({ trainSamples }) => (this.#trainSamples = trainSamples))
    events.on('epoch', (epoch) => this.#epochs.push(epoch))
    events.on('generation', ({ generation }) => {
      this.#startedAt ??= this.#clock.now()
      this.#generations = generation
    })
    events.on('step', ({ epoch, cursor, committed, stepMs, communicationShare }) => {
      this.#steps = committed
      // Not added up: some steps may not have been told.
      this.#samples = epoch * this.#trainSamples + cursor
      this.#stepMs += stepMs
      this.#waitMs += communicationShare * stepMs
    })
  }

  summary(outcome: RunSummary['outcome'], error?: KaitianError): RunSummary {
    const ms = this.#startedAt === undefined ? 0 : this.#clock.now() - this.#startedAt
    const save = this.#unsaved(error)
    return {
      outcome,
      ...(error === undefined ? {} : { error }),
      epochs: this.#epochs,
      steps: this.#steps,
      samples: this.#samples,
      ms,
      samplesPerSecond: ms > 0 ? (this.#samples / ms) * 1000 : 0,
      communicationShare: this.#stepMs > 0 ? this.#waitMs / this.#stepMs : 0,
      generations: this.#generations,
      digests: {},
      ...(this.#files.record === undefined || this.#generations === 0
        ? {}
        : { recordFolder: this.#files.record }),
      ...(save === undefined ? {} : { save }),
    }
  }

  #unsaved(error: KaitianError | undefined): SaveReport | undefined {
    const { save: file } = this.#files
    if (file === undefined) return undefined
    const why =
      this.#steps === 0 ? 'no step was committed' : (error?.message ?? 'there was no time')
    return { file, written: false, reason: why }
  }
}
