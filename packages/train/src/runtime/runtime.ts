import { createSystem, systemClock, type Clock, type Ref, type System } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { Scheduler, type SchedulerProtocol } from '@kaitian/scheduler'
import { loadWeights } from '../checkpoint/weights.js'
import type { DataSet } from '../data/dataset.js'
import { ShardFeed } from '../data/feed.js'
import type { DeviceView } from '../device/protocol.js'
import type { Model } from '../model/model.js'
import { initialWeights } from '../model/weights.js'
import { Journal } from '../record/journal.js'
import type { TrainApi } from '../run/api.js'
import type { RunSummary, TrainEvents } from '../run/events.js'
import type { TrainOptions } from '../run/options.js'
import { resolveSettings, type RunSettings } from '../run/settings.js'
import type { Task } from '../run/task.js'
import type { DeviceRef } from '../trainer/crew.js'
import { Trainer } from '../trainer/trainer.js'
import type { TrainerProtocol } from '../trainer/protocol.js'

export type Emit = <Name extends keyof TrainEvents>(name: Name, payload: TrainEvents[Name]) => void

export interface Surroundings {
  readonly clock?: Clock
  /** `inline` puts every actor into this thread: for tests with sim engines. */
  readonly placement?: 'thread' | 'inline'
  /** Another policy than the built-in ones: an actor that speaks the scheduler's protocol. */
  readonly scheduler?: (system: System) => Promise<Ref<typeof SchedulerProtocol>>
}

/** Steps whose shards may lie packed at once: the one under way and those ahead of it. */
const STEPS_HELD = 4
/** Samples a device evaluates at once. */
const EVALUATION_SHARD = 128

/**
 * A run and all that it owns: the actor system, the feeds, the scheduler and
 * the trainer. Lives in the runtime's thread, or in a test.
 */
export class Runtime implements TrainApi {
  readonly #system: System
  readonly #feeds: { readonly train: ShardFeed; readonly test: ShardFeed }
  readonly #trainer: Ref<typeof TrainerProtocol>
  readonly #ended: Promise<RunSummary>
  readonly #emit: Emit
  #devices: Readonly<Record<string, DeviceRef>> = {}

  private constructor(
    system: System,
    feeds: { train: ShardFeed; test: ShardFeed },
    trainer: Ref<typeof TrainerProtocol>,
    ended: Promise<RunSummary>,
    emit: Emit,
  ) {
    this.#system = system
    this.#feeds = feeds
    this.#trainer = trainer
    this.#ended = ended
    this.#emit = emit
  }

  /** Refuses bad input before any actor starts; after a failure nothing is left behind. */
  static async create(
    options: TrainOptions,
    task: Task,
    emit: Emit,
    { clock = systemClock, placement = 'thread', scheduler: spawn }: Surroundings = {},
  ): Promise<Runtime> {
    const seed = options.seed ?? 1
    const folder = options.data === undefined ? {} : { folder: options.data }
    const data = await task.data({ ...folder, seed })
    const settings = resolveSettings(options, task, data)
    const initial = await startingWeights(settings.model, seed, options.weights)
    const journal = await Journal.open(settings, initial)
    const feeds = openFeeds(settings, data)
    const system = createSystem({ name: 'kaitian', clock })
    let finish!: (summary: RunSummary) => void
    let fail!: (error: Error) => void
    const ended = new Promise<RunSummary>((resolve, reject) => {
      finish = resolve
      fail = reject
    })
    try {
      const { policy } = settings
      const scheduler =
        (await spawn?.(system)) ??
        (await system.spawn(Scheduler, { policy }, { name: 'scheduler' }))
      const facts = { name: data.name, train: data.train.count, test: data.test.count }
      const notify: Emit = (name, payload) => {
        emit(name, payload)
        if (name === 'end') finish(payload as RunSummary)
      }
      const args = {
        settings,
        initial,
        journal,
        feeds,
        dataSet: facts,
        scheduler,
        placement,
        emit: notify,
      }
      const trainer = await system.spawn(Trainer, args, { name: 'trainer' })
      system.watch(trainer, (down) => {
        fail(down.error ?? new Error(`the trainer was ${down.reason}`))
      })
      ended.catch(() => {})
      return new Runtime(system, feeds, trainer, ended, emit)
    } catch (error) {
      await system.dispose()
      await disposeFeeds(feeds)
      throw error
    }
  }

  async open(): Promise<void> {
    await this.#trainer.ask.open()
    this.#devices = await this.#trainer.ask.devices()
  }

  async run(): Promise<RunSummary> {
    this.#trainer.tell.begin()
    return await this.#ended
  }

  stop(): void {
    this.#trainer.tell.halt()
  }

  async kill(device: string): Promise<void> {
    const ref = this.#device(device)
    this.#emit('fault', { kind: 'killed', device, message: `${device} was killed on purpose` })
    await this.#system.kill(ref)
  }

  slow(device: string, factor: number): void {
    const ref = this.#device(device)
    const message = `${device} takes ${factor}× as long from now on`
    this.#emit('fault', { kind: 'slowed', device, message })
    ref.tell.slow({ factor })
  }

  async inspect(device: string): Promise<DeviceView> {
    return await this.#device(device).ask.view()
  }

  #device(device: string): DeviceRef {
    if (Object.hasOwn(this.#devices, device)) return this.#devices[device]
    const names = Object.keys(this.#devices).join(', ')
    throw new KaitianError('UNKNOWN_DEVICE', `No device is called ${device}; there are ${names}.`, {
      fields: { device },
    })
  }

  async close(): Promise<void> {
    await this.#system.dispose()
    await disposeFeeds(this.#feeds)
  }
}

function openFeeds(
  { seed, dealing, task }: RunSettings,
  data: DataSet,
): { train: ShardFeed; test: ShardFeed } {
  const { augmentation } = task
  const train = new ShardFeed({
    samples: data.train,
    seed,
    shardSize: dealing.shard,
    slots: STEPS_HELD * Math.ceil(dealing.batch / dealing.shard),
    order: 'permuted',
    ...(augmentation === undefined ? {} : { augmentation }),
  })
  const test = new ShardFeed({
    samples: data.test,
    seed,
    shardSize: EVALUATION_SHARD,
    slots: 16,
    order: 'sequential',
  })
  return { train, test }
}

async function disposeFeeds({ train, test }: { train: ShardFeed; test: ShardFeed }) {
  await Promise.all([train.dispose(), test.dispose()])
}

/** In shared memory, since every device's thread reads it. */
async function startingWeights(
  model: Model,
  seed: number,
  path: string | undefined,
): Promise<Float32Array> {
  const values =
    path === undefined ? initialWeights(model, seed) : await loadWeights(path, model.layout)
  const shared = new Float32Array(new SharedArrayBuffer(values.byteLength))
  shared.set(values)
  return shared
}
