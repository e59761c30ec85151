import { EventEmitter } from 'eventemitter3'
import type { EpochEvent, ReadyEvent, RunSummary, StepEvent } from 'kaitian'
import type { Runtime } from 'kaitian/testing'
import { KaitianError } from '@kaitian/errors'

export interface FakeScript {
  readonly epochs?: number
  readonly steps?: number
  /** Rejects `open`, as a task that cannot be used would. */
  readonly refuse?: KaitianError
  /** `run` ends with outcome `failed` after this many steps. */
  readonly failAfter?: number
  /** As the run is told of `maxSteps`. */
  readonly maxSteps?: number
  /** The thread dies after this many steps. */
  readonly dieAfter?: number
  /** `open` does not return. */
  readonly slow?: boolean
  /** `stop` is not heard, and neither `run` nor `close` ever ends. */
  readonly deaf?: boolean
}

/**
 * A run without devices: it sends the events of a real one, with made-up
 * numbers. Lives in the tests' thread.
 */
export class FakeRuntime {
  readonly events: Runtime['events'] = new EventEmitter()
  readonly calls: string[] = []
  readonly #script: FakeScript
  #stopped = false

  constructor(script: FakeScript = {}) {
    this.#script = script
  }

  readonly api: Runtime['api'] = {
    open: () => this.#open(),
    run: () => this.#run(),
    stop: async () => {
      this.calls.push('stop')
      this.#stopped = true
    },
    kill: async (device) => {
      this.calls.push(`kill ${device}`)
      this.events.emit('fault', {
        kind: 'killed',
        device,
        message: 'its shards are dealt out again',
      })
      this.events.emit('generation', generation(2, `${device} was killed`))
    },
    slow: async (device, factor) => {
      this.calls.push(`slow ${device} ${factor}`)
    },
    close: async () => {
      this.calls.push('close')
      if (this.#script.deaf === true) await never()
    },
  }

  async dispose(): Promise<void> {
    this.calls.push('dispose')
  }

  async #open(): Promise<void> {
    this.calls.push('open')
    await turn()
    if (this.#script.slow === true) await never()
    if (this.#script.refuse !== undefined) throw this.#script.refuse
    const { epochs = 2, steps = 5, maxSteps = Infinity } = this.#script
    this.events.emit('ready', ready(epochs, Math.min(maxSteps, epochs * steps)))
    this.events.emit('generation', generation(1, 'start'))
  }

  async #run(): Promise<void> {
    const { epochs = 2, steps = 5, deaf = false, failAfter, dieAfter, maxSteps } = this.#script
    const done: EpochEvent[] = []
    let committed = 0
    for (let epoch = 0; epoch < epochs && !this.#stopped; epoch++) {
      for (let step = 0; step < steps && !this.#stopped; step++) {
        await turn()
        if (committed === dieAfter) throw dead()
        if (committed === maxSteps) {
          const cut = { ...epochEvent(epoch, step), partial: true } as const
          this.events.emit('epoch', cut)
          return this.#end('finished', committed, [...done, cut])
        }
        if (committed === failAfter) return this.#end('failed', committed, done)
        committed++
        this.events.emit('step', stepEvent(epoch, step, committed))
      }
      if (deaf) await never()
      if (this.#stopped) break
      done.push(epochEvent(epoch, steps))
      this.events.emit('log', { entry: { epoch } })
      this.events.emit('epoch', epochEvent(epoch, steps))
    }
    return this.#end(this.#stopped ? 'stopped' : 'finished', committed, done)
  }

  #end(outcome: RunSummary['outcome'], steps: number, epochs: EpochEvent[]): void {
    const error = new KaitianError('NO_DEVICES_LEFT', 'All devices are gone.', {
      fields: { devices: [] },
      cause: new Error('the last one was killed'),
    }).toRecord()
    const summary = {
      outcome,
      ...(outcome === 'failed' ? { error } : {}),
      epochs,
      steps,
      samples: steps * 64,
      ms: 1234,
      samplesPerSecond: 512.5,
      communicationShare: 0.03,
      generations: 1,
      digests: { 'cpu:0': 'ab'.repeat(16), 'cpu:1': 'ab'.repeat(16) },
      paceExceeded: 0.01,
      recordFolder: '/tmp/record',
    }
    this.events.emit('end', summary)
  }
}

function dead(): KaitianError {
  const cause = new Error('JS heap out of memory')
  return new KaitianError('THREAD_EXITED', 'The thread died.', { cause, fields: { exitCode: 1 } })
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function never(): Promise<never> {
  return new Promise(() => {})
}

function ready(epochs: number, steps: number): ReadyEvent {
  const pace = { alphaMs: 8, betaMs: 0.5 }
  return {
    task: 'fake <task>',
    dataSet: 'none',
    trainSamples: 320,
    testSamples: 100,
    epochs,
    steps,
    batch: 64,
    shard: 8,
    weights: 1234,
    mode: 'fp32',
    seed: 1,
    backend: 'typescript (this is a fake)',
    devices: [
      { device: 'cpu:0', group: 'a', engine: 'tfjs', description: 'wasm' },
      { device: 'cpu:1', group: 'b', engine: 'tfjs', description: 'wasm', pace },
    ],
  }
}

function generation(number: number, cause: string) {
  const members = [
    { group: 'a', device: 'cpu:0' },
    { group: 'b', device: 'cpu:1' },
  ]
  return { generation: number, members, cause }
}

export function stepEvent(epoch: number, step: number, committed: number): StepEvent {
  const quota = step < 2 ? 32 : 40
  return {
    generation: 1,
    epoch,
    step,
    committed,
    size: 64,
    cursor: (step + 1) * 64,
    loss: 2 / committed,
    trainAccuracy: 0.5,
    learningRate: 0.05,
    endsEpoch: false,
    stepMs: 30,
    times: { planMs: 1, computeMs: 26, reduceMs: 1.2, updateMs: 1, messageMs: 0.8 },
    communicationShare: 0.04,
    devices: [
      { device: 'cpu:0', group: 'a', quota, computeMs: 20, ownComputeMs: 20, waitMs: 8 },
      {
        device: 'cpu:1',
        group: 'b',
        quota: 64 - quota,
        computeMs: 28,
        ownComputeMs: 18,
        waitMs: 0,
      },
    ],
    reason: step === 2 ? 'cpu:1 became slower; 8% gained' : 'steady',
    moved: step === 2,
    digest: 'cd'.repeat(16),
  }
}

function epochEvent(epoch: number, steps: number): EpochEvent {
  return {
    epoch,
    ms: 150,
    steps,
    samples: steps * 64,
    loss: 1.2,
    trainAccuracy: 0.61,
    test: { samples: 100, loss: 1.1, accuracy: 0.65 },
  }
}
