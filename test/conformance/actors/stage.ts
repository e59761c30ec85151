import {
  createSystem,
  systemClock,
  virtualClock,
  type Clock,
  type Group,
  type GroupOptions,
  type Ref,
  type SpawnOptions,
  type System,
  type VirtualClock,
} from '@kaitian/actors'
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

  constructor(where: Where, clock: Clock) {
    this.where = where
    this.system = createSystem({ clock })
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
    const disposed = this.system.dispose({ timeoutMs: 60_000 })
    await (quarantined ? disposed.catch(() => undefined) : disposed)
  }
}

export type Body = (stage: Stage) => Promise<void>
export type TimedBody = (stage: Stage, clock: VirtualClock) => Promise<void>

/** Tests by their names. */
export interface Tests {
  everywhere?: Record<string, Body>
  inline?: Record<string, Body>
  /** On a thread or in a process. */
  apart?: Record<string, Body>
  thread?: Record<string, Body>
  /** Everywhere, where the supervisor's clock is a virtual one. */
  timed?: Record<string, TimedBody>
  timedInline?: Record<string, TimedBody>
  timedApart?: Record<string, TimedBody>
}

/** Makes the suite of one theme, for one placement, if there is anything to try in it. */
export type Theme = (where: Where) => Test | undefined

export function theme(name: string, tests: Tests): Theme {
  return (where) => {
    const inline = where.name === 'inline'
    const bodies = {
      ...tests.everywhere,
      ...(inline ? tests.inline : tests.apart),
      ...(where.name === 'thread' ? tests.thread : {}),
    }
    const timed = { ...tests.timed, ...(inline ? tests.timedInline : tests.timedApart) }
    if (Object.keys({ ...bodies, ...timed }).length === 0) return undefined
    const test = some(where, suite(`conformance, ${name}, ${where.name}`))
    for (const [title, body] of Object.entries(bodies)) {
      test(title, () => onStage(title, new Stage(where, systemClock), body))
    }
    for (const [title, body] of Object.entries(timed)) {
      const clock = virtualClock()
      test(title, () => onStage(title, new Stage(where, clock), (stage) => body(stage, clock)))
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
