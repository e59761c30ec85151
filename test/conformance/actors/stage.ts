import {
  createSystem,
  systemClock,
  virtualClock,
  type Group,
  type GroupOptions,
  type Ref,
  type SpawnOptions,
  type System,
  type VirtualClock,
} from '@kaitian/actors'
import { Arena } from '@kaitian/actors/internal'
import { testSystem, type TestSystem } from '@kaitian/actors/testing'
import { suite, type Test } from 'uvu'
import { depth } from '../../depth.js'
import { Door, DoorActor, type DoorRef } from './fixtures/door.js'
import { Lines, LogActor, type LogRef } from './fixtures/lines.js'
import { Parent, type ChildOrder, type ParentProtocol } from './fixtures/parent.js'
import { Player, type PlayerProtocol, type Script } from './fixtures/player.js'
import { everywhere, type Where } from './where.js'

export type PlayerRef = Ref<typeof PlayerProtocol>

export type ParentRef = Ref<typeof ParentProtocol>

/** A door, and the ref by which actors reach it. */
export interface Gate {
  readonly ref: DoorRef
  arrived(): Promise<void>
  open(): void
}

const playerModule = new URL('./fixtures/player.js', import.meta.url)
const parentModule = new URL('./fixtures/parent.js', import.meta.url)

/** For a virtual clock: no timers but those of the test, and no thread that is too slow for it. */
export const patient = { stop: { timeoutMs: Infinity, exitMs: Infinity } }

/** What a test plays on: a system of its own, a log and gates that reach into every placement. */
export class Stage {
  readonly where: Where
  readonly system: System
  readonly lines = new Lines()
  /** The path of each actor that was restarted, each time. */
  readonly restarts = new Lines()
  #log: Promise<LogRef> | undefined
  readonly #doors: Door[] = []
  readonly #quarantined: string[]

  constructor(where: Where, system: System) {
    this.where = where
    this.system = system
    this.system.events.on('restarted', ({ path }) => this.restarts.add(path))
    this.#quarantined = this.events('quarantined')
  }

  /** Started first, so that it ends last. */
  get log(): Promise<LogRef> {
    this.#log ??= this.system.spawn(LogActor, { lines: this.lines }, { name: 'log' })
    return this.#log
  }

  async gate(): Promise<Gate> {
    await this.log
    const door = new Door()
    this.#doors.push(door)
    const ref = await this.system.spawn(DoorActor, { door })
    return { ref, arrived: () => door.arrived(), open: () => door.open() }
  }

  /** Starts a player of that name in the placement that is tried. */
  async play(
    name: string,
    script: Script = {},
    options: SpawnOptions = {},
    spawner: Pick<Group, 'spawn'> = this.system,
  ): Promise<PlayerRef> {
    const args = { as: name, log: await this.log, ...script }
    return spawner.spawn(Player, args, { name, on: this.where.on(playerModule), ...options })
  }

  /** Starts a parent of that name there, with these children below it. */
  async raise(
    name: string,
    family: { group?: GroupOptions; children?: ChildOrder[] } = {},
    options: SpawnOptions = {},
    spawner: Pick<Group, 'spawn'> = this.system,
  ): Promise<ParentRef> {
    const args = { as: name, log: await this.log, ...family }
    return spawner.spawn(Parent, args, { name, on: this.where.on(parentModule), ...options })
  }

  /** The paths of the events of that name, from now on. */
  events(name: 'escalated' | 'failed' | 'quarantined' | 'spawned' | 'stopped'): string[] {
    const paths: string[] = []
    this.system.events.on(name, ({ path }: { path: string }) => paths.push(path))
    return paths
  }

  /** A test that leaves something in quarantine has looked at it itself. */
  async dispose(): Promise<void> {
    for (const door of this.#doors) door.open()
    const quarantined = this.#quarantined.length > 0
    try {
      if (this.where.simulated) await this.system[Symbol.asyncDispose]()
      else await this.system.dispose({ timeoutMs: 60_000 })
    } catch (error) {
      if (!quarantined) throw error
    }
  }
}

export type Body = (stage: Stage) => Promise<void>
export type TimedBody = (stage: Stage, clock: VirtualClock) => Promise<void>

/** Tests by their names. */
export interface Tests {
  everywhere?: Record<string, Body>
  inline?: Record<string, Body>
  /** On a thread or in a process, real or simulated. */
  apart?: Record<string, Body>
  thread?: Record<string, Body>
  /** Where code may exit, throw beside all handlers, or block: a simulated one shares the test's own thread. */
  real?: Record<string, Body>
  realThread?: Record<string, Body>
  /** Everywhere, where the supervisor's clock is a virtual one. */
  timed?: Record<string, TimedBody>
  timedInline?: Record<string, TimedBody>
  timedApart?: Record<string, TimedBody>
}

/** Makes the suite of one theme, for one placement, if there is anything to try in it. */
export type Theme = (where: Where) => Test | undefined

export function theme(name: string, tests: Tests): Theme {
  return (where) => {
    const { kind, simulated } = where
    const inline = kind === 'inline'
    const real = !inline && !simulated
    const bodies = {
      ...tests.everywhere,
      ...(inline ? tests.inline : tests.apart),
      ...(kind === 'thread' ? tests.thread : {}),
      ...(real ? tests.real : {}),
      ...(real && kind === 'thread' ? tests.realThread : {}),
    }
    const timed = { ...tests.timed, ...(inline ? tests.timedInline : tests.timedApart) }
    if (Object.keys({ ...bodies, ...timed }).length === 0) return undefined
    const test = some(where, suite(`conformance, ${name}, ${where.name}`))
    for (const [title, body] of Object.entries(bodies)) {
      test(
        title,
        simulated ? () => underSeeds(title, where, body) : () => really(title, where, body),
      )
    }
    for (const [title, body] of Object.entries(timed)) {
      test(title, () =>
        simulated ? underSeeds(title, where, body, false) : reallyTimed(title, where, body),
      )
    }
    return test
  }
}

/** In a cut, of tests on a thread every second is tried and of those in a process every fourth: they take longest. */
const steps: Partial<Record<string, number>> = { thread: 2, process: 4 }

function some(where: Where, test: Test): Test {
  const step = depth({ cut: steps[where.name] ?? 1, full: 1 })
  let next = 0
  const register = (...args: Parameters<Test>): void => {
    if (next++ % step === 0) test(...args)
  }
  return Object.assign(register, test) as Test
}

export function runEverywhere(...themes: Theme[]): void {
  for (const make of themes) for (const where of everywhere) make(where)?.run()
}

function really(title: string, where: Where, body: Body): Promise<void> {
  return onStage(title, new Stage(where, createSystem()), body)
}

function reallyTimed(title: string, where: Where, body: TimedBody): Promise<void> {
  const clock = virtualClock()
  return onStage(title, new Stage(where, createSystem({ clock })), (stage) => body(stage, clock))
}

/** Orders of what happens at once in which each test is tried where it is simulated. */
const seeds = [1, 2, 3]

/** @param timePasses by itself, as for who waits for a real timer */
async function underSeeds(
  title: string,
  where: Where,
  body: TimedBody,
  timePasses = true,
): Promise<void> {
  for (const seed of seeds) {
    const system = testSystem({ seed, name: 'system' })
    const stage = new Stage(where, system)
    await onStage(`${title}, seed ${seed}`, stage, async () => {
      const done = body(stage, system.clock)
      if (timePasses) await passTime(system, done)
      await done
    })
  }
}

/** Turns of the event loop in which nothing happens: what goes on then is a wait for a timer. */
const quietTurns = 20
/** Who looks again and again is not quiet, and may wait for a timer too. */
const busyTurns = 1000

/** Moves the clock whenever only a timer can bring things on, until `work` is done. */
async function passTime(system: TestSystem, work: Promise<void>): Promise<void> {
  let over = false
  const done = (): void => {
    over = true
  }
  // oxlint-disable-next-line promise/no-callback-in-promise -- a flag is all it sets
  work.then(done, done)
  let happened = 0
  let quiet = 0
  // oxlint-disable-next-line no-unmodified-loop-condition -- the promise sets it
  for (let turns = 1; !over; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    quiet = Arena.happened === happened ? quiet + 1 : 0
    happened = Arena.happened
    if (quiet < quietTurns && turns % busyTurns !== 0) continue
    quiet = 0
    await system.clock.advanceToNext()
  }
}

/** A test that waits in vain is told from a slow one, and by its name. */
const limitMs = 240_000

async function onStage(title: string, stage: Stage, body: Body): Promise<void> {
  const limit = new AbortController()
  const tooLong = systemClock.sleep(limitMs, limit.signal).then(
    () => {
      throw new Error(`"${title}" waits for something that does not come`)
    },
    () => undefined,
  )
  try {
    await Promise.race([body(stage), tooLong])
  } finally {
    limit.abort()
    await stage.dispose()
  }
}
