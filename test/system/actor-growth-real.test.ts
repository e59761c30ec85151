import { createSystem, type SpawnOptions, type System } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Guest, guestModule, type GuestRef } from '../actors/growth/guest.js'
import { heapBytes, slope } from '../actors/growth/heap.js'
import { live, restarted } from '../actors/growth/habits.js'
import { depth } from '../depth.js'

/**
 * How many, and what each may leave behind, in bytes. On real threads and processes, of which each
 * takes more than a tenth of a second of processor time, there are few; test/actors/growth.test.ts has many
 * simulated ones. Until 1,000 have ended the memory of the recent past is still filling, at some
 * hundred bytes each; a link or a thread that stays takes many thousands. In the cut
 * what is done for the first time counts more than that.
 */
const trials = depth({
  cut: {
    thread: { warmUp: 6, times: 24, enough: 10_000 },
    process: { warmUp: 4, times: 24, enough: 10_000 },
  },
  full: {
    thread: { warmUp: 20, times: 100, enough: 2000 },
    process: { warmUp: 10, times: 60, enough: 2000 },
  },
})
type Trial = (typeof trials)[keyof typeof trials]

/** Between two signs of life. */
const said = 50

const places: Record<keyof typeof trials, SpawnOptions> = {
  thread: { on: { thread: guestModule } },
  process: { on: { process: guestModule } },
}

const test = suite('growth, real threads and processes')

/** Of this thread and of the one that is talked to. */
async function heapOfBoth(host: GuestRef): Promise<number> {
  return (await heapBytes()) + (await host.ask.heap())
}

type Once = (system: System, hosts: GuestRef[]) => Promise<void>

async function bytesEachTime(trial: Trial, lanes: number, once: Once): Promise<number> {
  const system = createSystem()
  const near = await system.spawn(Guest, undefined)
  const far = await system.spawn(Guest, undefined, places.thread)
  let done = 0
  const repeat = async (n: number): Promise<void> => {
    let left = n
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        await once(system, [near, far])
        if (++done % said === 0) console.log(`  ${done} times`)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    await system.accounts()
  }
  const handles = process.getActiveResourcesInfo().length
  const bytes = await slope(
    { repeat, measure: () => heapOfBoth(far) },
    { ...trial, tries: 3 },
    trial.enough,
  )
  const left = process.getActiveResourcesInfo().length - handles
  await system.dispose()
  assert.ok(left <= 2, `${left} handles stay behind`)
  return bytes
}

// Threads also end when they restart, below: enough of them for a cut.
const kinds = depth<(keyof typeof trials)[]>({ cut: ['process'], full: ['thread', 'process'] })
for (const kind of kinds) {
  const place = places[kind]
  const trial = trials[kind]
  test(`nothing stays behind of ${trial.times} of kind ${kind} that watch others and end`, async () => {
    let turn = 0
    const bytes = await bytesEachTime(trial, 4, (system, hosts) =>
      live(system, place, async (guest) => {
        for (const host of hosts) await guest.ask.visit({ host })
        if (turn++ % 2 === 0) await system.stop(guest)
        else await system.kill(guest)
      }),
    )
    console.log(`  ${kind}: ${bytes.toFixed(1)} bytes each`)
    assert.ok(bytes <= trial.enough, `${bytes} bytes stay behind each time`)
  })
}

test(`nothing stays behind of ${trials.thread.times} kills with restart of a thread`, async () => {
  const restart = { max: Infinity, withinMs: 100 }
  let guest: GuestRef | undefined
  const bytes = await bytesEachTime(trials.thread, 1, async (system, hosts) => {
    guest ??= await system.spawn(Guest, undefined, { ...places.thread, restart })
    for (const host of hosts) await guest.ask.visit({ host })
    const back = restarted(system)
    await system.kill(guest, { restart: true })
    await back
  })
  console.log(`  restarts of a thread: ${bytes.toFixed(1)} bytes each`)
  assert.ok(bytes <= trials.thread.enough, `${bytes} bytes stay behind each time`)
})

test.run()
