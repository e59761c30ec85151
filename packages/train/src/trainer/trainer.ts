import type { Context, Handlers } from '@kaitian/actors'
import { loadBackend } from '@kaitian/comm-native'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { RunSummary } from '../run/events.js'
import { coordinate, ended, idle } from '../step/coordinator.js'
import { attemptOf, type Plan, type Vote } from '../step/plan.js'
import type { CoordinatorEvent, CoordinatorState, Effect } from '../step/transition.js'
import type { TrainerArgs } from './args.js'
import { Crew, FormError, type DeviceRef, type GenerationHandles } from './crew.js'
import { digestsOf, writeEnd } from './ending.js'
import { evaluate } from './evaluation.js'
import { Planner } from './planner.js'
import { Progress } from './progress.js'
import { TrainerProtocol, type Failure, type Loss } from './protocol.js'
import type { Tally } from './tally.js'
import { readyEvent } from './ready.js'
import { sampleStep } from './sample.js'
import { StepDeadline } from './step-deadline.js'
import { endError, restartMessage } from './words.js'

/** How long a device may take to tell its digest after a stop. */
const STOP_PATIENCE_MS = 1000

type Ctx = Context<typeof TrainerProtocol>
type EffectOf<Kind extends Effect['kind']> = Extract<Effect, { kind: Kind }>

/**
 * Drives a run. What happens next is `coordinate`'s decision; this class
 * carries its effects out: forms generations, hands out plans, commits.
 */
export class Trainer implements Handlers<typeof TrainerProtocol> {
  static readonly protocol = TrainerProtocol
  readonly #args: TrainerArgs
  #planner!: Planner
  readonly #progress: Progress
  #ctx!: Ctx
  #crew!: Crew
  #handles: GenerationHandles | undefined
  #state: CoordinatorState = idle
  #generation = 0
  #members: readonly string[] = []
  #deadline!: StepDeadline
  /** Set while the test set is evaluated; what to go on with then. */
  #evaluation: AbortController | undefined
  #next: EffectOf<'plan'> | undefined
  /** The attempt that the last abort cut short. */
  #interrupted: Plan | undefined
  #startedAt = 0
  #ended = false

  constructor(args: TrainerArgs) {
    this.#args = args
    this.#progress = new Progress(args.settings)
  }

  start(ctx: Ctx): void {
    const { settings, initial, feeds, placement } = this.#args
    this.#ctx = ctx
    this.#planner = new Planner(settings, this.#args.scheduler, feeds.train, ctx.clock)
    this.#deadline = new StepDeadline(ctx.clock, () => ctx.self.tell.tick())
    const [train, test] = [feeds.train.layout, feeds.test.layout]
    this.#crew = new Crew(ctx, { settings, initial, train, test, placement })
  }

  stop(): void {
    this.#deadline.cancel()
  }

  async open(): Promise<void> {
    await this.#crew.open()
    this.#watchCrew()
    const { settings, dataSet } = this.#args
    const devices = this.#crew.names.map((name) => this.#crew.get(name))
    this.#args.emit('ready', readyEvent(settings, dataSet, devices))
  }

  /** Downs are told, not handled at once: they must wait for the turn in hand to end. */
  #watchCrew(): void {
    const { tell } = this.#ctx.self
    this.#crew.watch(
      (loss) => tell.down(loss),
      (cause) => tell.judge({ generation: this.#generation, cause, suspects: [] }),
    )
  }

  async begin(): Promise<void> {
    this.#startedAt = this.#ctx.clock.now()
    await this.#on({ kind: 'start', members: this.#crew.names })
  }

  async vote(vote: Vote): Promise<void> {
    await this.#on({ kind: 'vote', vote })
  }

  /**
   * Those who miss a device tell of it before it does, now and then; its own word is on its way by
   * then, and comes with the next turn.
   */
  failed(failure: Failure): void {
    const { clock, self } = this.#ctx
    clock.after(0, () => self.tell.judge(failure))
  }

  async judge(failure: Failure): Promise<void> {
    await this.#on({ kind: 'failed', ...failure })
  }

  async down(loss: Loss): Promise<void> {
    await this.#on({ kind: 'down', ...loss })
  }

  async planned(plan: Plan): Promise<void> {
    await this.#on({ kind: 'planned', plan, deadlineMs: this.#args.settings.deadlines.step })
  }

  /** What fails for a generation that is over has no say in the next one. */
  async broken({ error, generation }: { error: unknown; generation: number }): Promise<void> {
    if (generation !== this.#generation) return
    await this.#end('failed', toKaitianError(error, 'INTERNAL', 'The run cannot go on'))
  }

  async tick(): Promise<void> {
    await this.#on({ kind: 'tick' })
    this.#deadline.arm(this.#state)
  }

  /** Evaluation runs beside the mailbox; meanwhile a generation may have ended. */
  async evaluated({ tally, wanted }: { tally: Tally | undefined; wanted: boolean }): Promise<void> {
    this.#evaluation = undefined
    if (this.#ended) return
    if (wanted && tally === undefined) this.#unevaluated()
    this.#args.emit('epoch', this.#progress.endEpoch(tally))
    await this.#plan(this.#next!)
  }

  async halt(): Promise<void> {
    this.#evaluation?.abort()
    await this.#on({ kind: 'stop' })
    await this.#end('stopped')
  }

  devices(): Record<string, DeviceRef> {
    return Object.fromEntries([...this.#crew.devices].map(([name, { ref }]) => [name, ref]))
  }

  async #on(event: CoordinatorEvent): Promise<void> {
    const { state, effects } = coordinate(this.#state, event, this.#ctx.clock.now())
    this.#state = state
    try {
      for (const effect of effects) await this.#carryOut(effect)
    } catch (error) {
      await this.broken({ error, generation: this.#generation })
    }
  }

  async #carryOut(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case 'form':
        return await this.#form(effect)
      case 'plan':
        return await this.#plan(effect)
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
        return await this.#end(effect.outcome, endError(effect))
      case 'ignore':
        return
    }
  }

  async #form({ generation, members, cause }: EffectOf<'form'>): Promise<void> {
    this.#generation = generation
    this.#members = members
    if (generation > 1) {
      const message = restartMessage(cause, this.#interrupted, members.length)
      this.#args.emit('fault', { kind: 'aborted', message })
    }
    try {
      this.#handles = await this.#crew.form(generation, members)
    } catch (error) {
      if (!(error instanceof FormError)) return await this.broken({ error, generation })
      const { suspects, message } = error
      return await this.#on({ kind: 'failed', generation, cause: message, suspects })
    }
    this.#progress.startFrom(this.#handles.digest)
    const named = members.map((device) => ({ group: this.#crew.get(device).group.name, device }))
    this.#args.journal.generation(generation, named, cause)
    this.#args.emit('generation', { generation, members: named, cause })
    await this.#on({ kind: 'formed', generation })
  }

  /** Closes a finished epoch, then has the next step planned. */
  async #plan(effect: EffectOf<'plan'>): Promise<void> {
    const { generation, ordinal } = effect
    const done = this.#progress.committed >= this.#args.settings.totalSteps
    if (this.#progress.epoch.steps > 0 && (done || this.#planner.ledger.step === 0)) {
      this.#next = effect
      return this.#evaluate()
    }
    if (done) return await this.#end('finished')
    const devices = this.#members.map((name) => ({ name, group: this.#crew.get(name).group.name }))
    const { self } = this.#ctx
    void this.#planner.plan(generation, ordinal, devices).then(
      (plan) => self.tell.planned(plan),
      (error: unknown) => self.tell.broken({ error, generation }),
    )
  }

  #evaluate(): void {
    if (this.#evaluation !== undefined) return
    const { settings, feeds, dataSet } = this.#args
    const { tell } = this.#ctx.self
    this.#evaluation = new AbortController()
    const wanted = settings.evaluate && dataSet.test > 0
    const result = evaluate({
      devices: wanted ? this.#members.map((name) => this.#crew.get(name)) : [],
      feed: feeds.test,
      clock: this.#ctx.clock,
      timeoutMs: (device, samples) => this.#progress.patienceMs(device, samples),
      readMs: settings.deadlines.budget,
      signal: this.#evaluation.signal,
      onLost: (device, cause) => {
        const message = `${device} did not evaluate its part of the test set: ${cause}`
        this.#args.emit('fault', { kind: 'unevaluated', device, message })
      },
    })
    void result.then(
      (tally) => tell.evaluated({ tally, wanted }),
      (error: unknown) => tell.broken({ error, generation: this.#generation }),
    )
  }

  #unevaluated(): void {
    const message = 'no device was left to evaluate the test set: the epoch has no test'
    this.#args.emit('fault', { kind: 'unevaluated', message })
  }

  #dispatch(plan: Plan): void {
    this.#args.journal.plan(plan, this.#progress.digest)
    for (const leader of this.#crew.leaders) leader.tell.step(attemptOf(plan))
    for (const device of this.#members) {
      const slots = this.#planner.slots(plan, device)
      this.#crew.get(device).ref.tell.plan({ plan, slots })
    }
    this.#deadline.arm(this.#state)
  }

  /** Recorded before the members are told; the line is buffered, so a crash of the process may lose it. */
  #commit({ plan, votes, stepMs }: EffectOf<'commit'>): void {
    const { committed } = this.#progress
    if (this.#args.journal.samples(committed)) {
      const { regions } = this.#crew.get(votes[0].device).info
      const parts = { plan, batch: this.#planner.batch(), regions, sums: this.#handles!.sums }
      this.#args.journal.sample(sampleStep(this.#args.settings, { ...parts, committed }))
    }
    const cursor = this.#planner.commit(plan, votes)
    this.#args.journal.commit(plan, votes, cursor)
    for (const device of this.#members) this.#crew.get(device).ref.tell.commit(attemptOf(plan))
    this.#args.emit('step', this.#progress.step(plan, votes, stepMs, cursor))
  }

  #retry({ plan, votes }: EffectOf<'retry'>): void {
    this.#planner.rescale(votes)
    const cause = votes.every(({ finite }) => finite)
      ? 'scales were measured'
      : 'the numbers left the range'
    this.#args.journal.retry(plan, votes, cause)
    for (const device of this.#members) this.#crew.get(device).ref.tell.discard(attemptOf(plan))
  }

  /** First the direct native call, which reaches who is blocked; then the leaders' mailboxes. */
  #abort({ generation, plan, cause }: EffectOf<'abort'>): void {
    this.#deadline.cancel()
    const backend = loadBackend(this.#args.settings.backend)
    for (const ticket of this.#handles?.tickets ?? []) backend.abortCommunicator(ticket, cause)
    for (const leader of this.#crew.leaders) leader.tell.abort({ generation, cause })
    if (plan !== undefined) this.#args.journal.abort(plan, cause)
    this.#interrupted = plan
  }

  /** Not awaited: a thread inside native code ends only when that returns; its actor is dead at once. */
  #evict({ devices, cause }: EffectOf<'evict'>): void {
    for (const device of devices) {
      const message = `${device} was given up: ${cause}`
      this.#args.emit('fault', { kind: 'down', device, message })
      void this.#ctx.kill(this.#crew.get(device).ref).catch(() => {})
    }
  }

  async #end(outcome: RunSummary['outcome'], error?: KaitianError): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#state = ended
    this.#deadline.cancel()
    // Cut short, or complete but for its evaluation.
    if (this.#progress.epoch.steps > 0) this.#args.emit('epoch', this.#progress.endEpoch(undefined))
    const { settings, journal } = this.#args
    const devices = this.#members.map((name) => this.#crew.get(name))
    const { committed, digest } = this.#progress
    const whole = this.#planner.ledger.epoch === settings.epochs
    const { failure, ...saved } = await writeEnd({
      settings,
      journal,
      devices,
      committed,
      digest,
      whole,
    })
    // Who asks for a stop does not wait for a device that is in the middle of a long step.
    const patienceMs = outcome === 'stopped' ? STOP_PATIENCE_MS : settings.deadlines.control
    const digests = await digestsOf(devices, patienceMs)
    const ms = this.#ctx.clock.now() - this.#startedAt
    const end = { outcome, digests, generations: this.#generation, ms, ...saved }
    this.#args.emit('end', this.#progress.summary(end, error ?? failure))
  }
}
