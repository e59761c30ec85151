import type { Context, Handlers } from '@kaitian/actors'
import { isKaitianError, KaitianError, toKaitianError } from '@kaitian/errors'
import { Cluster, type ClusterOptions } from '../cluster/cluster.js'
import type { DeviceRef } from '../cluster/members.js'
import type { RunSummary } from '../run/events.js'
import { stepsPerEpoch } from '../step/ledger.js'
import { digestsOf, writeEnd } from './ending.js'
import type { LoopCluster, LoopData, LoopDefinition } from './loop.js'
import { LoopProtocol } from './protocol.js'

/** How long a device may take to tell its digest after a stop. */
const STOP_PATIENCE_MS = 1000

export interface LoopArgs extends ClusterOptions {
  readonly loop: LoopDefinition
}

/** Runs a loop beside its mailbox, and tells how it ended. */
export class LoopRunner implements Handlers<typeof LoopProtocol> {
  static readonly protocol = LoopProtocol
  readonly #args: LoopArgs
  readonly #stop = new AbortController()
  #ctx!: Context<typeof LoopProtocol>
  #cluster!: Cluster

  constructor(args: LoopArgs) {
    this.#args = args
  }

  start(ctx: Context<typeof LoopProtocol>): void {
    this.#ctx = ctx
    this.#cluster = new Cluster(ctx, this.#args)
  }

  stop(): void {
    this.#cluster.stop()
  }

  async open(): Promise<void> {
    await this.#cluster.open()
  }

  begin(): void {
    void this.#run()
  }

  halt(): void {
    this.#stop.abort()
    this.#cluster.stop()
  }

  devices(): Record<string, DeviceRef> {
    return Object.fromEntries([...this.#cluster.devices].map(([name, { ref }]) => [name, ref]))
  }

  async #run(): Promise<void> {
    const { clock } = this.#ctx
    const startedAt = clock.now()
    const error = await this.#loop()
    this.#cluster.stop()
    await this.#finish(clock.now() - startedAt, error)
  }

  /** What the loop ended with, unless all was well. */
  async #loop(): Promise<KaitianError | undefined> {
    const { loop, emit } = this.#args
    try {
      await this.#cluster.start()
      await loop.run({
        cluster: this.#face(),
        data: this.#data(),
        log: (entry) => {
          emit('log', { entry: typeof entry === 'string' ? { message: entry } : entry })
        },
        signal: this.#stop.signal,
      })
      return undefined
    } catch (error) {
      if (isCancelled(error) && (this.#stop.signal.aborted || this.#isDone)) return undefined
      return toKaitianError(error, 'LOOP_FAILED', 'The loop failed')
    }
  }

  /** All the steps are committed that were asked for by number, whatever the loop has in mind. */
  get #isDone(): boolean {
    const { maxSteps = Infinity } = this.#args.settings.options
    return this.#cluster.committed >= maxSteps
  }

  /** What a loop sees of the cluster, and no more. */
  #face(): LoopCluster {
    const cluster = this.#cluster
    return {
      get committed() {
        return cluster.committed
      },
      get devices() {
        return cluster.members.map(({ name }) => name)
      },
      step: async (request) => {
        if (this.#isDone) throw new KaitianError('CANCELLED', 'The run has made all its steps.')
        return await cluster.step(request)
      },
      evaluate: () => cluster.evaluate(),
      save: (file) => cluster.save(file),
    }
  }

  #data(): LoopData {
    const { settings, dataSet } = this.#args
    const { dealing, epochs, totalSteps } = settings
    const { batch } = dealing
    return { ...dataSet, batch, epochs, totalSteps, stepsPerEpoch: stepsPerEpoch(dealing) }
  }

  async #finish(ms: number, error: KaitianError | undefined): Promise<void> {
    const { settings, journal, emit } = this.#args
    const { progress, members, generation } = this.#cluster
    this.#cluster.closeEpoch()
    const stopped = this.#stop.signal.aborted
    const { failure, ...saved } = await writeEnd({
      cluster: this.#cluster,
      settings,
      journal,
      whole: this.#cluster.epochs === settings.epochs,
    })
    // Who asks for a stop does not wait for a device that is in the middle of a long step.
    const patienceMs = stopped ? STOP_PATIENCE_MS : settings.deadlines.control
    const digests = await digestsOf(members, patienceMs)
    const outcome: RunSummary['outcome'] = stopped ? 'stopped' : 'finished'
    const end = { outcome, digests, generations: generation, ms, ...saved }
    emit('end', progress.summary(end, error ?? failure))
  }
}

function isCancelled(error: unknown): boolean {
  return isKaitianError(error) && error.code === 'CANCELLED'
}
