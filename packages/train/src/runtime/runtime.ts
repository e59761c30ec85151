import { createSystem, systemClock, type Clock, type Ref, type System } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { Scheduler, type SchedulerProtocol } from '@kaitian/scheduler'
import { loadWeights } from '../checkpoint/weights.js'
import { checkDataSet } from '../data/check.js'
import type { DataSet } from '../data/dataset.js'
import { ShardFeed } from '../data/feed.js'
import type { DeviceView } from '../device/protocol.js'
import type { Model } from '../model/model.js'
import { initialWeights } from '../model/weights.js'
import { Journal } from '../record/journal.js'
import type { TrainApi } from '../run/api.js'
import type { RunSummary, TrainEvents } from '../run/events.js'
import type { Machine } from '../run/choose-groups.js'
import { loadData } from '../run/load-task.js'
import type { TrainOptions } from '../run/options.js'
import { checkTrainOptions } from '../run/schema.js'
import { resolveSettings, type RunSettings } from '../run/settings.js'
import type { Task } from '../run/task.js'
import type { DeviceRef } from '../cluster/members.js'
import { loadLoop } from '../loop/load-loop.js'
import type { LoopDefinition } from '../loop/loop.js'
import type { LoopProtocol } from '../loop/protocol.js'
import { LoopRunner } from '../loop/runner.js'

export type Emit = <Name extends keyof TrainEvents>(name: Name, payload: TrainEvents[Name]) => void

export interface Surroundings {
  readonly clock?: Clock
  /** `inline` puts every actor into this thread: for tests with sim engines. */
  readonly placement?: 'thread' | 'inline'
  /** Cores and memory to choose devices for, where no group is named; else this machine's. */
  readonly machine?: Machine
  /** Instead of the one that the options name. */
  readonly loop?: LoopDefinition
  /** Another policy than the built-in ones: an actor that speaks the scheduler's protocol. */
  readonly scheduler?: (system: System) => Promise<Ref<typeof SchedulerProtocol>>
}

/** Steps whose shards may lie packed at once: the one under way and those ahead of it. */
const STEPS_HELD = 4
/** Samples a device evaluates at once. */
const EVALUATION_SHARD = 128

/** What a run must give back when it is over, however far it came. */
interface Owned {
  readonly system: System
  readonly feeds: { readonly train: ShardFeed; readonly test: ShardFeed }
  readonly journal: Journal
  /** How long actors may take to stop before they are killed. */
  readonly stopMs: number
}

/**
 * A run and all that it owns: the actor system, the feeds, the scheduler and
 * the loop. Lives in the runtime's thread, or in a test.
 */
export class Runtime implements TrainApi {
  readonly #owned: Owned
  readonly #loop: Ref<typeof LoopProtocol>
  readonly #ended: Promise<RunSummary>
  readonly #emit: Emit
  #devices: Readonly<Record<string, DeviceRef>> = {}

  private constructor(
    owned: Owned,
    loop: Ref<typeof LoopProtocol>,
    ended: Promise<RunSummary>,
    emit: Emit,
  ) {
    this.#owned = owned
    this.#loop = loop
    this.#ended = ended
    this.#emit = emit
  }

  /** Refuses bad input before any actor starts; after a failure nothing is left behind. */
  static async create(
    options: TrainOptions,
    task: Task,
    emit: Emit,
    surroundings: Surroundings = {},
  ): Promise<Runtime> {
    checkTrainOptions(options)
    const seed = options.seed ?? 1
    const folder = options.data === undefined ? {} : { folder: options.data }
    const data = checkDataSet(await loadData(task, { ...folder, seed }), task.name)
    const settings = resolveSettings(options, task, data, surroundings.machine)
    const initial = await startingWeights(settings.model, seed, options.weights)
    const owned: Owned = {
      journal: await Journal.open(settings, initial, data.train.labels),
      feeds: openFeeds(settings, data),
      system: createSystem({ name: 'kaitian', clock: surroundings.clock ?? systemClock }),
      stopMs: settings.deadlines.control,
    }
    try {
      let finish!: (summary: RunSummary) => void
      const summary = new Promise<RunSummary>((resolve) => {
        finish = resolve
      })
      const notify: Emit = (name, payload) => {
        emit(name, payload)
        if (name === 'end') finish(payload as RunSummary)
      }
      const { system, feeds, journal } = owned
      const scheduler = await spawnScheduler(system, settings, surroundings)
      const dataSet = { name: data.name, train: data.train.count, test: data.test.count }
      const placement = surroundings.placement ?? 'thread'
      const loop = surroundings.loop ?? (await loadLoop(options.loop))
      const own = { settings, initial, journal, feeds, dataSet, scheduler, placement, loop }
      const runner = await system.spawn(LoopRunner, { ...own, emit: notify }, { name: 'loop' })
      const ended = Promise.race([summary, lossOf(system, runner)])
      ended.catch(() => {}) // the loop is also gone when nobody has called `run`
      return new Runtime(owned, runner, ended, emit)
    } catch (error) {
      await giveBack(owned)
      throw error
    }
  }

  async open(): Promise<void> {
    await this.#loop.ask.open()
    this.#devices = await this.#loop.ask.devices()
  }

  async run(): Promise<RunSummary> {
    this.#loop.tell.begin()
    return await this.#ended
  }

  stop(): void {
    this.#loop.tell.halt()
  }

  async kill(device: string): Promise<void> {
    const ref = this.#device(device)
    this.#emit('fault', { kind: 'killed', device, message: `${device} was killed on purpose` })
    await this.#owned.system.kill(ref)
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
    const names = Object.keys(this.#devices)
    const known =
      names.length === 0
        ? 'the devices are not up yet: wait for the event ready'
        : `there are ${names.join(', ')}`
    throw new KaitianError('UNKNOWN_DEVICE', `No device is called ${device}; ${known}.`, {
      fields: { device },
    })
  }

  async close(): Promise<void> {
    await giveBack(this.#owned)
  }
}

async function giveBack({ system, feeds, journal, stopMs }: Owned): Promise<void> {
  await system.dispose({ timeoutMs: stopMs })
  await Promise.all([feeds.train.dispose(), feeds.test.dispose()])
  // A disk that failed has already ended the run with FILE_WRITE_FAILED.
  await journal.close().catch(() => {})
}

async function spawnScheduler(
  system: System,
  { policy }: RunSettings,
  { scheduler }: Surroundings,
): Promise<Ref<typeof SchedulerProtocol>> {
  if (scheduler !== undefined) return await scheduler(system)
  return await system.spawn(Scheduler, { policy }, { name: 'scheduler' })
}

/** Rejects when the loop is gone before it could tell the run's end. */
function lossOf(system: System, loop: Ref<typeof LoopProtocol>): Promise<never> {
  return new Promise((_, reject) => {
    system.watch(loop, ({ reason, error }) => {
      reject(error ?? new KaitianError('CANCELLED', `The run ended: its loop was ${reason}.`))
    })
  })
}

function openFeeds(
  { seed, dealing, task, groups }: RunSettings,
  data: DataSet,
): { train: ShardFeed; test: ShardFeed } {
  const { augmentation } = task
  const devices = groups.reduce((sum, group) => sum + group.devices.length, 0)
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
    slots: Math.max(16, 2 * devices),
    order: 'sequential',
  })
  return { train, test }
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
