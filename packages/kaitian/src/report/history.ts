import type {
  EpochEvent,
  FaultEvent,
  GenerationEvent,
  ReadyEvent,
  RunSummary,
  StepEvent,
} from '@kaitian/train'
import { quotasOf } from '../terminal/narrate.js'
import type { Training } from '../training/training.js'

/** One or more neighbouring steps: sums, to be divided by `steps`. */
interface Stretch {
  /** Committed steps of the run up to the end of the stretch. */
  end: number
  steps: number
  loss: number
  stepMs: number
  share: number
  readonly devices: Map<string, { steps: number; quota: number; computeMs: number }>
}

/** Something to mark in the curves. */
export interface Mark {
  /** Committed steps when it happened. */
  readonly at: number
  readonly kind: 'generation' | 'fault' | 'quotas'
  readonly text: string
}

/** Curves over the run, equally long; a device without a value at a point has null there. */
export interface Curves {
  readonly steps: number[]
  readonly loss: number[]
  readonly stepMs: number[]
  readonly communicationShare: number[]
  readonly devices: { name: string; quota: (number | null)[]; computeMs: (number | null)[] }[]
}

/** Points kept of one run; beyond, neighbours are merged, so memory stays bounded. */
const MOST_POINTS = 4096
/** Moves of quotas beyond this many are counted, not kept. */
const MOST_MARKS = 1000

/** Follows a run and keeps what a report shows of it. */
export class RunHistory {
  ready: ReadyEvent | undefined
  summary: RunSummary | undefined
  readonly epochs: EpochEvent[] = []
  readonly marks: Mark[] = []
  #stretches: Stretch[] = []
  #stepsPerStretch = 1
  #committed = 0

  constructor({ events, finished }: Pick<Training, 'events' | 'finished'>) {
    events.on('ready', (ready) => (this.ready = ready))
    events.on('step', (step) => this.#step(step))
    events.on('generation', (event) => this.#generation(event))
    events.on('fault', (event) => this.#fault(event))
    events.on('epoch', (epoch) => this.epochs.push(epoch))
    void finished.then((summary) => (this.summary = summary))
  }

  curves(): Curves {
    const stretches = this.#stretches
    const names = new Set(this.ready?.devices.map(({ device }) => device))
    for (const { devices } of stretches) for (const name of devices.keys()) names.add(name)
    return {
      steps: stretches.map(({ end }) => end),
      loss: stretches.map(({ loss, steps }) => loss / steps),
      stepMs: stretches.map(({ stepMs, steps }) => stepMs / steps),
      communicationShare: stretches.map(({ share, steps }) => share / steps),
      devices: [...names].map((name) => {
        const own = stretches.map(({ devices }) => devices.get(name))
        return {
          name,
          quota: own.map((sums) => (sums === undefined ? null : sums.quota / sums.steps)),
          computeMs: own.map((sums) => (sums === undefined ? null : sums.computeMs / sums.steps)),
        }
      }),
    }
  }

  #step(step: StepEvent): void {
    this.#committed = step.committed
    if (step.moved) this.#mark('quotas', `${quotasOf(step)}: ${step.reason}`)
    const last = this.#stretches.at(-1)
    if (last === undefined || last.steps >= this.#stepsPerStretch) {
      this.#stretches.push(stretchOf(step))
    } else {
      merge(last, stretchOf(step))
    }
    if (this.#stretches.length > MOST_POINTS) this.#thin()
  }

  #thin(): void {
    const pairs = this.#stretches
    this.#stretches = pairs.filter((_, index) => index % 2 === 0)
    this.#stretches.forEach((stretch, index) => {
      const next = pairs[2 * index + 1]
      if (next !== undefined) merge(stretch, next)
    })
    this.#stepsPerStretch *= 2
  }

  #generation({ generation, members, cause }: GenerationEvent): void {
    const devices = members.map(({ device }) => device).join(', ')
    this.#mark('generation', `generation ${generation} (${devices}): ${cause}`)
  }

  #fault({ kind, device, message }: FaultEvent): void {
    this.#mark('fault', `${device === undefined ? kind : `${kind} ${device}`}: ${message}`)
  }

  #mark(kind: Mark['kind'], text: string): void {
    if (kind === 'quotas' && this.marks.length >= MOST_MARKS) return
    this.marks.push({ at: this.#committed, kind, text })
  }
}

function stretchOf(step: StepEvent): Stretch {
  const { loss, stepMs, communicationShare: share, committed: end } = step
  const devices = step.devices.map(
    ({ device, quota, computeMs }) => [device, { steps: 1, quota, computeMs }] as const,
  )
  return { end, steps: 1, loss, stepMs, share, devices: new Map(devices) }
}

function merge(into: Stretch, next: Stretch): void {
  into.end = next.end
  into.steps += next.steps
  into.loss += next.loss
  into.stepMs += next.stepMs
  into.share += next.share
  for (const [name, sums] of next.devices) {
    const own = into.devices.get(name)
    if (own === undefined) into.devices.set(name, sums)
    else {
      own.steps += sums.steps
      own.quota += sums.quota
      own.computeMs += sums.computeMs
    }
  }
}
