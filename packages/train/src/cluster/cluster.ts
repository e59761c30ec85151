import { setMaxListeners } from 'node:events'
import type { Clock, Ref, Spawner } from '@kaitian/actors'
import { loadBackend, type CommunicatorTicket } from '@kaitian/comm-native'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { SchedulerProtocol } from '@kaitian/scheduler'
import { saveWeights } from '../checkpoint/weights.js'
import type { FeedLayout, ShardFeed } from '../data/feed.js'
import type { StepOrder } from '../device/protocol.js'
import { currentBuffer } from '../device/state.js'
import { learningRate } from '../optimiser/learning-rate.js'
import type { Journal } from '../record/journal.js'
import type { StepEvent, TestResult, TrainEvents } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import { coordinate, ended, idle } from '../step/coordinator.js'
import { assignmentOf, attemptOf, type Plan } from '../step/plan.js'
import type { CoordinatorEvent, CoordinatorState, Effect } from '../step/transition.js'
import { Dealer } from './dealer.js'
import { evaluate } from './evaluation.js'
import { isGone } from './gone.js'
import { FormError, Members, type GenerationHandles, type Member } from './members.js'
import { Progress } from './progress.js'
import { readyEvent, type DataSetFacts } from './ready.js'
import { sampleStep } from './sample.js'
import { endError, restartMessage } from './words.js'

export interface ClusterOptions {
  readonly settings: RunSettings
  /** f32 [stateSize] in shared memory. */
  readonly initial: Float32Array
  readonly journal: Journal
  readonly feeds: { readonly train: ShardFeed; readonly test: ShardFeed }
  readonly dataSet: DataSetFacts
  readonly scheduler: Ref<typeof SchedulerProtocol>
  readonly placement: 'thread' | 'inline'
  readonly emit: <Name extends keyof TrainEvents>(name: Name, payload: TrainEvents[Name]) => void
}

/** Where the cluster's actors live, and its time. */
export interface ClusterHost extends Spawner {
  readonly clock: Clock
}

export interface StepRequest {
  /** Default: what the task's optimiser says for this step. */
  readonly learningRate?: number
}

type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/**
 * The devices of a run as one: a step is asked for, and comes back committed. Who takes part, what
 * each does, what is done again after a failure is decided by `coordinate`; this class carries it out.
 */
export class Cluster {
  readonly progress: Progress
  readonly #options: ClusterOptions
  readonly #clock: Clock
  readonly #host: ClusterHost
  readonly #members: Members
  readonly #dealer: Dealer
  #state: CoordinatorState = idle
  /** Events that came while another one was carried out. */
  readonly #events: CoordinatorEvent[] = []
  #turning = false
  #generation = 0
  #names: readonly string[] = []
  #handles: GenerationHandles | undefined
  /** Generations form one after the other. */
  #forming: Promise<void> = Promise.resolve()
  /** Ends what the devices were asked, when the attempt under way is over. */
  #attempt = new AbortController()
  #askedAt = 0
  #dispatchedAt = 0
  #cancelDeadline = (): void => {}
  /** The attempt that the last abort cut short. */
  #interrupted: Plan | undefined
  #request: (StepRequest & Waiting<StepEvent>) | undefined
  #started: Waiting<void> | undefined
  #evaluation: AbortController | undefined
  /** Of the state that is committed. */
  #test: TestResult | undefined
  /** Why nothing more can be asked for. */
  #end: KaitianError | undefined

  constructor(host: ClusterHost, options: ClusterOptions) {
    const { settings, initial, feeds, scheduler, placement } = options
    this.#options = options
    this.#host = host
    this.#clock = host.clock
    this.progress = new Progress(settings, host.clock)
    this.#dealer = new Dealer(settings, scheduler, feeds.train, host.clock)
    const layouts = { train: feeds.train.layout, test: feeds.test.layout } satisfies Layouts
    this.#members = new Members(host, { settings, initial, ...layouts, placement })
  }

  /** Brings devices, leaders and bridges up. */
  async open(): Promise<void> {
    const { settings, dataSet, emit } = this.#options
    await this.#members.open()
    this.#members.watch(
      (loss) => this.#on({ kind: 'down', ...loss }),
      (cause) => this.#fail(this.#generation, cause, []),
    )
    const devices = this.#members.names.map((name) => this.#members.get(name))
    emit('ready', readyEvent(settings, dataSet, devices))
  }

  /** Forms the first generation. */
  async start(): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    await new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject }
      this.#on({ kind: 'start', members: this.#members.names })
    })
  }

  /** The devices that take part, in rank order. */
  get members(): readonly Member[] {
    return this.#names.map((name) => this.#members.get(name))
  }

  /** All that were ever there. */
  get devices(): ReadonlyMap<string, Member> {
    return this.#members.devices
  }

  get generation(): number {
    return this.#generation
  }

  /** Committed steps. */
  get committed(): number {
    return this.progress.committed
  }

  /** Epochs that are committed from end to end. */
  get epochs(): number {
    return this.#dealer.ledger.epoch
  }

  /**
   * Trains on the next samples of the epoch. Resolves when the step is committed by all; attempts
   * that fail are made again, without those who failed.
   *
   * @throws what ended the cluster; CANCELLED after `stop`; BAD_ARGUMENT while something else is under way
   */
  async step(request: StepRequest = {}): Promise<StepEvent> {
    if (this.#end !== undefined) throw this.#end
    this.#checkIdle()
    if (this.#dealer.ledger.step === 0) this.closeEpoch()
    return await new Promise<StepEvent>((resolve, reject) => {
      this.#askedAt = this.#clock.now()
      this.#request = { ...request, resolve, reject }
      this.#on({ kind: 'request' })
    })
  }

  /**
   * Evaluates over the whole test set. Undefined when there is none, when it is not wanted, or
   * when no device was left to do it.
   *
   * @throws what an engine or the data throws; what ended the cluster; CANCELLED after `stop`;
   *   BAD_ARGUMENT while something else is under way
   */
  async evaluate(): Promise<TestResult | undefined> {
    if (this.#end !== undefined) throw this.#end
    const { settings, feeds, dataSet, emit } = this.#options
    if (!settings.evaluate || dataSet.test === 0) return undefined
    this.#checkIdle()
    const evaluation = new AbortController()
    this.#evaluation = evaluation
    const tally = await evaluate({
      devices: this.members,
      feed: feeds.test,
      clock: this.#clock,
      timeoutMs: (device, samples) => this.progress.patienceMs(device, samples),
      readMs: settings.deadlines.budget,
      signal: evaluation.signal,
      onLost: (device, cause) => {
        const message = `${device} did not evaluate its part of the test set: ${cause}`
        emit('fault', { kind: 'unevaluated', device, message })
      },
    }).finally(() => (this.#evaluation = undefined))
    // Set while it was waited for.
    const end = this.#end as KaitianError | undefined
    if (end !== undefined) throw end
    if (tally === undefined) {
      const message = 'no device was left to evaluate the test set: the epoch has no test'
      emit('fault', { kind: 'unevaluated', message })
      return undefined
    }
    const { count: samples, lossSum, correct } = tally
    this.#test = { samples, loss: lossSum / samples, accuracy: correct / samples }
    return this.#test
  }

  /** Tells of the epoch that was trained last, if that was not told yet, with the last evaluation since. */
  closeEpoch(): void {
    if (this.progress.epoch.steps === 0) return
    this.#options.emit('epoch', this.progress.endEpoch(this.#test))
  }

  /**
   * Writes the committed weights as safetensors; what was there stays until they are whole.
   *
   * @throws FILE_WRITE_FAILED, NO_DEVICES_LEFT
   */
  async save(file: string): Promise<void> {
    const [device] = this.members
    if (device === undefined) {
      throw new KaitianError('NO_DEVICES_LEFT', 'No device was left to read the weights from.')
    }
    const { state } = currentBuffer(device.info.regions, this.committed)
    // A copy: steps may go on while it is written.
    await saveWeights(file, this.#options.settings.model.layout, state.slice())
  }

  #checkIdle(): void {
    if (this.#request === undefined && this.#evaluation === undefined) return
    const what = this.#request === undefined ? 'An evaluation' : 'A step'
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${what} is under way; await it before you ask for anything else.`,
    )
  }

  /** Gives the step under way up. Nothing more can be asked for. */
  stop(): void {
    this.#on({ kind: 'stop' })
  }

  /** Events are handled one after the other, also those that come of handling one. */
  #on(event: CoordinatorEvent): void {
    this.#events.push(event)
    if (this.#turning) return
    this.#turning = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        const { state, effects } = coordinate(this.#state, next, this.#clock.running())
        this.#state = state
        for (const effect of effects) this.#carryOut(effect)
      }
    } catch (error) {
      this.#break(error)
    } finally {
      this.#turning = false
    }
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'form':
        this.#forming = this.#forming.then(() => this.#form(effect))
        return
      case 'plan':
        return this.#plan(effect)
      case 'dispatch':
        return this.#dispatch(effect.plan)
      case 'commit':
        return this.#commit(effect)
      case 'retry':
        return this.#retry(effect)
      case 'abort':
        return this.#abort(effect)
      case 'evict':
        return this.#evict(effect)
      case 'end':
        return this.#finish(endError(effect) ?? new KaitianError('CANCELLED', effect.cause))
      case 'ignore':
        return
    }
  }

  async #form({ generation, members, cause }: EffectOf<'form'>): Promise<void> {
    // The run has ended, or another device has gone, while the one before formed.
    if (!this.#isCurrent(generation)) return
    const { emit, journal } = this.#options
    this.#generation = generation
    this.#names = members
    if (generation > 1) {
      const message = restartMessage(cause, this.#interrupted, members.length)
      emit('fault', { kind: 'aborted', message })
    }
    try {
      const handles = await this.#members.form(generation, members, (device) =>
        this.progress.busyMs(device),
      )
      if (!this.#isCurrent(generation)) return this.#abortAll(handles.tickets, 'it came too late')
      this.#handles = handles
    } catch (error) {
      if (!(error instanceof FormError)) return this.#break(error)
      return this.#on({
        kind: 'failed',
        generation,
        cause: error.message,
        suspects: error.suspects,
      })
    }
    this.progress.startFrom(this.#handles.digest)
    const named = members.map((device) => ({ group: this.#members.get(device).group.name, device }))
    journal.generation(generation, named, cause)
    emit('generation', { generation, members: named, cause })
    this.#on({ kind: 'formed', generation })
    this.#started?.resolve()
  }

  /** A device may have gone, or the run ended, while it formed. */
  #isCurrent(generation: number): boolean {
    return this.#state.phase === 'forming' && this.#state.membership.generation === generation
  }

  #plan({ generation, ordinal }: EffectOf<'plan'>): void {
    const { settings } = this.#options
    const rate = learningRate(settings.task.optimiser, this.committed, settings.totalSteps)
    const attempt = {
      generation,
      ordinal,
      devices: this.#dealt(),
      learningRate: Math.fround(this.#request?.learningRate ?? rate),
    }
    const plan = this.#dealer.plan(attempt)
    if (!(plan instanceof Promise)) return this.#planned(plan)
    plan.then(
      (made) => this.#planned(made),
      // What fails for a generation that is over has no say in the next one.
      (error: unknown) => generation === this.#generation && this.#break(error),
    )
  }

  #planned(plan: Plan): void {
    this.#on({ kind: 'planned', plan, deadlineMs: this.#options.settings.deadlines.step })
  }

  #dealt() {
    return this.members.map(({ name, group }) => ({ name, group: group.name }))
  }

  #dispatch(plan: Plan): void {
    this.#options.journal.plan(plan, this.progress.digest)
    this.#attempt = new AbortController()
    // One for each device: Node.js would take more than ten for a leak.
    setMaxListeners(0, this.#attempt.signal)
    this.#dispatchedAt = this.#clock.now()
    for (const name of this.#names) {
      const slots = this.#dealer.slots(plan, name)
      void this.#order(name, { assignment: assignmentOf(plan, name), slots })
    }
    this.#armDeadline()
    this.#dealer.prepareNext(this.#dealt())
  }

  async #order(device: string, order: StepOrder): Promise<void> {
    const { generation } = order.assignment
    const { signal } = this.#attempt
    try {
      const reply = await this.#members.get(device).ref.ask.step(order, { signal })
      if ('vote' in reply) return this.#on({ kind: 'vote', vote: reply.vote })
      this.#fail(generation, reply.failure.cause, reply.failure.suspects)
    } catch (error) {
      // Whoever has ended is heard of by the watch on it.
      if (signal.aborted || isGone(error)) return
      const { code, message } = toKaitianError(error, 'INTERNAL', `${device} failed`)
      const cause = `${device} failed: ${message}`
      this.#on({ kind: 'down', device, cause, fault: { device, code, message }, remains: true })
    }
  }

  /**
   * Those who miss a device tell of it before it does, now and then; its own word is on its way by
   * then, and comes with the next turn.
   */
  #fail(generation: number, cause: string, suspects: readonly string[]): void {
    this.#clock.after(0, () => this.#on({ kind: 'failed', generation, cause, suspects }))
  }

  /** Timers may fire a little early, so a tick that decided nothing arms it again. */
  #armDeadline(): void {
    this.#cancelDeadline()
    if (this.#state.phase !== 'stepping') return
    const left = this.#state.attempt.deadlineAt - this.#clock.running()
    this.#cancelDeadline = this.#clock.after(Math.max(1, left), () => {
      // After the votes that are there already: a thread that had no turn finds both at once.
      this.#cancelDeadline = this.#clock.after(0, () => {
        this.#on({ kind: 'tick' })
        this.#armDeadline()
      })
    })
  }

  /** Recorded before the members are told; the line is buffered, so a crash of the process may lose it. */
  #commit({ plan, votes }: EffectOf<'commit'>): void {
    const { journal, settings, emit } = this.#options
    const { committed } = this
    const stepMs = this.#clock.now() - this.#askedAt
    const planMs = this.#dispatchedAt - this.#askedAt
    this.#cancelDeadline()
    if (journal.samples(committed)) {
      const { regions } = this.#members.get(votes[0].device).info
      const parts = { plan, batch: this.#dealer.batch(), regions, sums: this.#handles!.sums }
      journal.sample(sampleStep(settings, { ...parts, committed }))
    }
    const cursor = this.#dealer.commit(plan, votes)
    const endsEpoch = this.#dealer.ledger.step === 0
    this.#test = undefined
    journal.commit(plan, votes, cursor)
    for (const { ref } of this.members) ref.tell.commit(attemptOf(plan))
    const event = this.progress.step(plan, votes, { planMs, stepMs }, { cursor, endsEpoch })
    emit('step', event)
    this.#request?.resolve(event)
    this.#request = undefined
  }

  #retry({ plan, votes }: EffectOf<'retry'>): void {
    this.#dealer.rescale(votes)
    const cause = votes.every(({ finite }) => finite)
      ? 'scales were measured'
      : 'the numbers left the range'
    this.#options.journal.retry(plan, votes, cause)
    for (const { ref } of this.members) ref.tell.discard(attemptOf(plan))
  }

  /** First the direct native call, which reaches who is blocked; then what was asked of the others. */
  #abort({ plan, cause }: EffectOf<'abort'>): void {
    this.#cancelDeadline()
    this.#abortAll(this.#handles?.tickets ?? [], cause)
    this.#attempt.abort()
    if (plan !== undefined) this.#options.journal.abort(plan, cause)
    this.#interrupted = plan
  }

  #abortAll(tickets: readonly CommunicatorTicket[], cause: string): void {
    const backend = loadBackend(this.#options.settings.backend)
    for (const ticket of tickets) backend.abortCommunicator(ticket, cause)
  }

  /** Not awaited: a thread inside native code ends only when that returns; its actor is dead at once. */
  #evict({ devices, cause }: EffectOf<'evict'>): void {
    for (const device of devices) {
      const message = `${device} was given up: ${cause}`
      this.#options.emit('fault', { kind: 'down', device, message })
      void this.#host.kill(this.#members.get(device).ref).catch(() => {})
    }
  }

  /** What is no device's fault, and would come again. */
  #break(error: unknown): void {
    this.#state = ended
    this.#abortAll(this.#handles?.tickets ?? [], 'The run cannot go on')
    this.#finish(toKaitianError(error, 'INTERNAL', 'The run cannot go on'))
  }

  #finish(error: KaitianError): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#cancelDeadline()
    this.#attempt.abort()
    this.#evaluation?.abort()
    this.#started?.reject(error)
    this.#request?.reject(error)
    this.#request = undefined
  }
}

interface Layouts {
  readonly train: FeedLayout
  readonly test: FeedLayout
}
