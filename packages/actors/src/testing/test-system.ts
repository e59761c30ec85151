import { KaitianError } from '@kaitian/errors'
import { checkArgument, checkOptions, wholeFrom, wholeNumber, shapeOf } from '../checks.js'
import { virtualClock, type VirtualClock } from '../clock.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import { seededRandom } from '../random.js'
import { word } from '../supervision/options.js'
import { ActorSystem, type System } from '../system.js'
import { SimFaults, type Faults } from './faults.js'
import { probeClass, TestProbe, type Probe, type Received } from './probe.js'
import { runDown } from './run-down.js'
import { Arena } from './seeded-turns.js'
import { SimWorld } from './sim-world.js'

export interface TestSystemOptions {
  /** Decides every order that the semantics leave open. */
  seed: number
  name?: string
  /** Turns between two movements of the clock; more are taken for a loop without end. 100,000 unless told. */
  maxTurns?: number
}

/** One thing that happened: when (virtual ms), to whom, what. */
export interface TraceEntry {
  readonly at: number
  readonly path: string
  readonly what: string
}

/**
 * The same runtime on a virtual clock, with seeded scheduling. Actors with a placement run on
 * simulated threads and processes (`sim-thread`, `sim-process` in snapshots): messages to them are
 * cloned, and they can die. Same seed, same trace (A8), as long as the actors themselves take time
 * and chance from their context.
 */
export interface TestSystem extends System {
  /** `await using`: as `dispose`, but moves the clock when a stop waits for its limit. */
  [Symbol.asyncDispose](): Promise<void>
  readonly seed: number
  readonly clock: VirtualClock
  readonly faults: Faults
  readonly trace: readonly TraceEntry[]
  /** Lets everything happen that needs no time to pass, then moves the clock by `ms`. */
  advance(ms: number): Promise<void>
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>
  /** An actor that the test plays itself. */
  probe<P extends Protocol>(protocol: P, name?: string): Promise<Probe<P>>
}

const shape = shapeOf<TestSystemOptions>({ seed: wholeNumber, name: word, maxTurns: wholeFrom(1) })

export function testSystem(options: TestSystemOptions): TestSystem {
  checkOptions('testSystem()', options, shape)
  checkArgument('testSystem()', 'seed', options.seed, wholeNumber)
  return new SimulatedSystem(options)
}

class SimulatedSystem extends ActorSystem implements TestSystem {
  readonly seed: number
  readonly faults: Faults
  readonly trace: TraceEntry[]
  readonly #clock: VirtualClock
  readonly #arena: Arena
  #probes = 0

  constructor({ seed, name = 'test', maxTurns = 100_000 }: TestSystemOptions) {
    const clock = virtualClock()
    const random = seededRandom('test', seed)
    const trace: TraceEntry[] = []
    const note = (path: string, what: string): void => {
      trace.push({ at: clock.now(), path, what })
    }
    const arena = new Arena(random.fork('order'), maxTurns, () => clock.now())
    const world = new SimWorld(clock, random, arena, note)
    super(name, world.worldFor(world.habitat(), random, new Set()))
    this.seed = seed
    this.#clock = clock
    this.trace = trace
    this.#arena = arena
    this.faults = new SimFaults(this.site, world)
    for (const event of ['spawned', 'failed', 'restarted', 'stopped'] as const) {
      this.events.on(event, ({ path }: { path: string }) => note(path, event))
    }
    this.events.on('escalated', ({ path }) => note(path, 'escalated'))
    this.events.on('quarantined', ({ path }) => note(path, 'quarantined'))
    this.events.on('dead-letter', ({ to, message, reason, count }) => {
      note(to, `dead letter: ${message} (${reason})${count === 1 ? '' : ` ×${count}`}`)
    })
  }

  override get clock(): VirtualClock {
    return this.#clock
  }

  async advance(ms: number): Promise<void> {
    this.#arena.rest()
    await this.clock.advance(ms)
    await this.settle()
  }

  async settle(): Promise<void> {
    this.#arena.rest()
    await this.clock.advance(0)
    this.#arena.rest()
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const disposed = this.dispose()
    if (await runDown(this, disposed)) return disposed
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${this.name} waits for actors that do not stop, and no timer waits; give their stop a limit`,
    )
  }

  async probe<P extends Protocol>(protocol: P, name?: string): Promise<Probe<P>> {
    const received: Received[] = []
    const actor: ActorClass<P, undefined> = probeClass(protocol, received)
    const ref = await this.spawn(actor, undefined, { name: name ?? `probe-${++this.#probes}` })
    return new TestProbe(ref, received, () => this.settle())
  }
}
