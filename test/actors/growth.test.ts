import { env } from 'node:process'
import { createSystem, type SpawnOptions, type System } from '@kaitian/actors'
import { testSystem, type TestSystem, type TraceEntry } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Guest, guestModule, type GuestRef } from './growth/guest.js'
import { live, refused, restarted, talk } from './growth/habits.js'
import { slope } from './growth/heap.js'
import { depth } from '../depth.js'

/** The runtime remembers how the last 1000 ended. */
const warmUp = 1100
/** `KAITIAN_CYCLES=20000` does more. */
const times = Number(env.KAITIAN_CYCLES ?? depth({ cut: 500, full: 5000 }))
/** Bytes a time. An object that stays takes more; over few times what is around it comes and goes. */
const enough = depth({ cut: 100, full: 16 })
/** Done one after the other before the clock moves. */
const batch = 50

const thread: SpawnOptions = { on: { thread: guestModule } }
const process: SpawnOptions = { on: { process: guestModule } }
/** Simulated, a process is much like a thread. */
const places = depth<[string, SpawnOptions][]>({
  cut: [['thread', thread]],
  full: [
    ['thread', thread],
    ['process', process],
  ],
})
const restart = { max: Infinity, withinMs: 100 }

const test = suite('growth')
let kinds = 0

/** @param begin what is there all the time; it returns what is done again and again */
function leavesNothing<S extends System>(
  title: string,
  make: () => S,
  begin: (system: S) => Promise<(times: number) => Promise<unknown>>,
): void {
  // In a cut every second one: they come in twos and threes that are alike.
  if (depth({ cut: kinds++ % 2 === 1, full: false })) return
  test(`nothing stays behind: ${title}`, async () => {
    const system = make()
    const repeat = await begin(system)
    const bytes = await slope(
      { repeat: async (n) => void (await repeat(n)) },
      { warmUp, times },
      enough,
    )
    console.log(`  ${title}: ${bytes.toFixed(1)} bytes a time`)
    await system[Symbol.asyncDispose]()
    assert.ok(bytes <= enough, `${bytes} bytes stay behind each time`)
  })
}

function inline(title: string, begin: (system: System) => Promise<() => Promise<unknown>>): void {
  leavesNothing(`inline, ${title}`, createSystem, async (system) => {
    const once = await begin(system)
    return async (n) => {
      for (let i = 0; i < n; i++) await once()
      await system.accounts()
    }
  })
}

function simulated(
  title: string,
  begin: (system: TestSystem) => Promise<() => Promise<unknown>>,
): void {
  const make = () => testSystem({ seed: 1, maxTurns: Number.MAX_SAFE_INTEGER })
  leavesNothing(`simulated, ${title}`, make, async (system) => {
    const once = await begin(system)
    // It grows by intention, and is the test's.
    const trace = system.trace as TraceEntry[]
    return async (n) => {
      for (let i = 0; i < n; i++) {
        await once()
        if (i % batch === 0) await system.advance(10)
        trace.length = 0
      }
      await system.advance(2000)
      trace.length = 0
    }
  })
}

const ends: Record<string, (system: System) => (guest: GuestRef) => Promise<void>> = {
  'that are stopped': (system) => (guest) => system.stop(guest),
  'that are killed': (system) => (guest) => system.kill(guest),
  'that fail': () => (guest) => refused(guest.ask.fail()),
}
for (const [which, end] of Object.entries(ends)) {
  inline(`actors ${which}`, async (system) => () => live(system, {}, end(system)))
  for (const [where, place] of places) {
    simulated(`${where} ${which}`, async (system) => () => live(system, place, end(system)))
  }
}

inline('messages', async (system) => {
  const guest = await system.spawn(Guest, undefined)
  return () => talk(guest)
})

inline('children that their parent watches', async (system) => {
  const parent = await system.spawn(Guest, undefined)
  return () => parent.ask.raise(1)
})

inline('timers', async (system) => {
  const guest = await system.spawn(Guest, undefined)
  return () => guest.ask.time()
})

inline('groups', async (system) => async () => {
  const group = system.supervise({ strategy: 'one-for-all', restart })
  await group.spawn(Guest, undefined)
  await group.stop()
})

const restarts: Record<string, (system: TestSystem, guest: GuestRef) => unknown> = {
  'after a failure': (_, guest) => refused(guest.ask.fail()),
  'after a kill': (system, guest) => system.kill(guest, { restart: true }),
  'after its thread died': (system, guest) => system.faults.exit(guest),
}
for (const [when, fail] of Object.entries(restarts)) {
  const canRestart = [...places]
  if (when !== 'after its thread died') canRestart.push(['inline actor', {}])
  for (const [what, place] of canRestart) {
    simulated(`restarts of one ${what} ${when}`, async (system) => {
      const guest = await system.spawn(Guest, undefined, { ...place, restart })
      const host = await system.spawn(Guest, undefined)
      const far = await system.spawn(Guest, undefined, thread)
      return async () => {
        await guest.ask.visit({ host })
        await guest.ask.visit({ host: far })
        const items = guest.flow.hang()
        await items.next()
        const lost = refused(items.next())
        const back = restarted(system)
        await fail(system, guest)
        await Promise.all([back, lost])
        await guest.ask.hi()
      }
    })
  }
}

for (const [where, place] of places) {
  simulated(`messages to a ${where}`, async (system) => {
    const guest = await system.spawn(Guest, undefined, place)
    return () => talk(guest)
  })

  simulated(`watches of an actor in a ${where}, from here and from elsewhere`, async (system) => {
    const parent = await system.spawn(Guest, undefined, place)
    const third = await system.spawn(Guest, undefined, place)
    const child = await parent.ask.bear({ on: 'inline' })
    return async () => {
      system.watch(parent, () => undefined)()
      system.watch(child, () => undefined)()
      await third.ask.watch({ ref: child, times: 3 })
    }
  })

  for (const on of ['inline', 'thread'] as const) {
    simulated(`children of a ${where}, ${on}, and their refs`, async (system) => {
      const parent = await system.spawn(Guest, undefined, place)
      const third = await system.spawn(Guest, undefined, place)
      return async () => {
        const child = await parent.ask.bear({ on })
        system.watch(child, () => undefined)
        await child.ask.hi()
        await child.room()
        await third.ask.visit({ host: child })
        await parent.ask.end({ ref: child })
        child.tell.note()
        await third.ask.echo({ refs: [child] })
        await refused(child.room())
      }
    })
  }

  simulated(`refs of actors here, sent to a ${where}`, async (system) => {
    const guest = await system.spawn(Guest, undefined, place)
    return async () => {
      const here = await system.spawn(Guest, undefined)
      await guest.ask.echo({ refs: [here] })
      await guest.ask.visit({ host: here })
      await system.stop(here)
      await guest.ask.echo({ refs: [here] })
      await refused(guest.ask.visit({ host: here }))
    }
  })

  simulated(`${where} after ${where} that watches others and is killed`, async (system) => {
    const host = await system.spawn(Guest, undefined)
    const far = await system.spawn(Guest, undefined, place)
    return () =>
      live(system, place, async (guest) => {
        await guest.ask.visit({ host })
        await guest.ask.visit({ host: far })
        await system.kill(guest)
      })
  })
}

simulated('questions how all are', async (system) => {
  await system.spawn(Guest, undefined, thread)
  await system.spawn(Guest, undefined, process)
  return async () => {
    await system.accounts()
    await system.snapshot()
  }
})

test.run()
