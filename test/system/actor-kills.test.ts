import { createSystem, seededRandom } from '@kaitian/actors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Lane, type Kind, type Storm } from '../actors/kills/lane.js'
import { Ledger } from '../actors/kills/ledger.js'
import { buildStuck } from '../actors/kills/stuck.js'
import { eventually } from '../actors/support.js'
import { depth } from '../depth.js'

/** In all; most of threads, since a process takes several times as long to start. */
const kills = depth({
  cut: { thread: 80, process: 20 },
  full: { thread: 800, process: 200 },
})
const total = kills.thread + kills.process
/** Each has two victims: at most 24 threads and processes are alive. */
const lanes = { thread: 8, process: 4 }
/** Names the run: `KAITIAN_SEED=7 node …` draws the same moments again. */
const seed = Number(process.env.KAITIAN_SEED ?? 1)

const test = suite('kills of actors')

test(`A3 A7 ${total} kills at random moments: nothing hangs, leaks, or takes the host down`, async () => {
  const before = resources()
  const uncaught: unknown[] = []
  const onUncaught = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  const system = createSystem({ name: 'storm' })
  const ledger = new Ledger()
  const addon = buildStuck()
  const storm: Storm = { system, ledger, addon, left: { ...kills }, ways: new Map() }
  const random = seededRandom('storm', seed)
  const run = (kind: Kind): Promise<void>[] =>
    Array.from({ length: lanes[kind] }, (_, i) =>
      new Lane(storm, kind, random.fork(kind).fork(i)).run(),
    )
  const watchdog = system.clock.after(240_000, () => void report(storm))
  await Promise.all([...run('thread'), ...run('process')])
  await system.dispose()
  watchdog()

  await eventually(() => ledger.open.length === 0)
  assert.equal(ledger.problems, [], `seed ${seed}`)
  const { sent, handled, deadLettered, inFlight } = await system.accounts()
  assert.is(sent, handled + deadLettered, 'A4')
  assert.is(inFlight, 0, 'A4')
  assert.ok(ledger.settled > total)
  for (const pid of ledger.pids) await eventually(() => !isAlive(pid))
  await eventually(() => resources().length <= before.length)
  assert.equal(uncaught, [])
  process.off('uncaughtException', onUncaught)
  process.off('unhandledRejection', onUncaught)
  const ways = [...storm.ways].map(([way, count]) => `${way} ${count}`)
  console.log(`\n  seed ${seed}; ${ledger.settled} asks, flows, watches and orders settled`)
  console.log(`  ${ways.toSorted().join('; ')}`)
})

function resources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'TTYWrap')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Something hangs: who, and what waits for it. The runner's time limit ends the process. */
async function report({ system, ledger, left, ways }: Storm): Promise<void> {
  console.log(`\n  it hangs: seed ${seed}, left ${JSON.stringify(left)}`, [...ways])
  console.log(ledger.open.slice(0, 50).join('\n'))
  console.log(JSON.stringify(await system.snapshot(), undefined, 1))
}

test.run()
