import { createSystem, type SpawnOptions, type System } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Guest, guestModule, type GuestRef } from '../actors/growth/guest.js'
import { heapBytes, slope } from '../actors/growth/heap.js'
import { live, restarted } from '../actors/growth/habits.js'
import { depth } from '../depth.js'

/** On real threads and processes, of which each takes tens of milliseconds: few, unless all is wanted. */
const times = {
  thread: depth({ cut: 24, full: 20_000 }),
  process: depth({ cut: 8, full: 20_000 }),
}
/** In the cut the memory of the recent past is still filling; a link of its own would take more. */
const enough = depth({ cut: 10_000, full: 40 })
const warmUp = depth({ cut: 4, full: 1100 })
/** Between two signs of life. */
const said = 1000

const places: Record<keyof typeof times, SpawnOptions> = {
  thread: { on: { thread: guestModule } },
  process: { on: { process: guestModule } },
}

const test = suite('growth, real threads and processes')

/** Of this thread and of the one that is talked to. */
async function heapOfBoth(host: GuestRef): Promise<number> {
  return (await heapBytes()) + (await host.ask.heap())
}

type Once = (system: System, hosts: GuestRef[]) => Promise<void>

async function bytesEachTime(cycles: number, lanes: number, once: Once): Promise<number> {
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
    { warmUp, times: cycles, tries: 3 },
    enough,
  )
  const left = process.getActiveResourcesInfo().length - handles
  await system.dispose()
  assert.ok(left <= 2, `${left} handles stay behind`)
  return bytes
}

for (const [kind, place] of Object.entries(places) as [keyof typeof times, SpawnOptions][]) {
  test(`nothing stays behind of ${times[kind]} of kind ${kind} that watch others and end`, async () => {
    let turn = 0
    const bytes = await bytesEachTime(times[kind], 4, (system, hosts) =>
      live(system, place, async (guest) => {
        for (const host of hosts) await guest.ask.visit({ host })
        if (turn++ % 2 === 0) await system.stop(guest)
        else await system.kill(guest)
      }),
    )
    console.log(`  ${kind}: ${bytes.toFixed(1)} bytes each`)
    assert.ok(bytes <= enough, `${bytes} bytes stay behind each time`)
  })
}

test(`nothing stays behind of ${times.thread} kills with restart of a thread`, async () => {
  const restart = { max: Infinity, withinMs: 100 }
  let guest: GuestRef | undefined
  const bytes = await bytesEachTime(times.thread, 1, async (system, hosts) => {
    guest ??= await system.spawn(Guest, undefined, { ...places.thread, restart })
    for (const host of hosts) await guest.ask.visit({ host })
    const back = restarted(system)
    await system.kill(guest, { restart: true })
    await back
  })
  console.log(`  restarts of a thread: ${bytes.toFixed(1)} bytes each`)
  assert.ok(bytes <= enough, `${bytes} bytes stay behind each time`)
})

test.run()
