import { ask, protocol } from '@kaitian/actors'
import { overSeeds, type Property, type TestSystem } from '@kaitian/actors/testing'
import type { KaitianError } from '@kaitian/errors'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onThread, Tally } from './fixtures/tally.js'
import { withSeedVariable } from './seed-variable.js'
import { rejection } from './support.js'

const test = suite('testing, overSeeds')

const StuckProtocol = protocol({ hang: ask() })

/** Never answers. */
class Stuck {
  static readonly protocol = StuckProtocol

  hang() {
    return new Promise<void>(() => undefined)
  }
}

/** The error of a property that fails, whatever `KAITIAN_SEED` says. */
function failureOf<Step>(property: Property<Step>): Promise<KaitianError> {
  return withSeedVariable(undefined, () => rejection(overSeeds(property), 'INTERNAL'))
}

/** The lines under that title. */
function section(error: KaitianError, title: string): string[] {
  const lines = error.message.split('\n')
  const from = lines.findIndex((line) => line.startsWith(title)) + 1
  const rest = lines.slice(from)
  const end = rest.findIndex((line) => !line.startsWith('  '))
  return rest.slice(0, end === -1 ? rest.length : end).map((line) => line.trim())
}

test('each seed is tried once, from 1 or from where it was told', async () => {
  const tried = async (property: { seeds: number; from?: number }): Promise<number[]> => {
    const seen: number[] = []
    const run = async ({ seed }: { seed: number }): Promise<void> => void seen.push(seed)
    await withSeedVariable(undefined, () => overSeeds({ ...property, generate: () => [], run }))
    return seen
  }
  assert.equal(await tried({ seeds: 3 }), [1, 2, 3])
  assert.equal(await tried({ seeds: 2, from: 40 }), [40, 41])
})

test('A8 the steps of a seed are always the same, and others than those of another', async () => {
  const drawn = async (): Promise<string[]> => {
    const seen: string[] = []
    await withSeedVariable(undefined, () =>
      overSeeds<number>({
        seeds: 5,
        generate: (random) => [random.integer(1000), random.integer(1000)],
        run: async (_system, steps) => void seen.push(steps.join()),
      }),
    )
    return seen
  }
  const first = await drawn()
  assert.equal(await drawn(), first)
  assert.is(new Set(first).size, 5)
})

test('the first seed that fails is told of, with the cause, its steps and its trace', async () => {
  const tried: number[] = []
  const error = await failureOf<string>({
    seeds: 10,
    generate: () => ['add'],
    async run(system, steps) {
      tried.push(system.seed)
      const tally = await system.spawn(Tally, undefined, { ...onThread, name: 'tally' })
      if (steps.length > 0) tally.tell.add(1)
      await system.advance(5)
      if (system.seed === 3 && steps.length > 0) throw new RangeError('too much')
    },
  })
  assert.match(error.message, /^seed 3 fails: too much\n/)
  assert.is(error.fields.seed, 3)
  assert.instance(error.cause, RangeError)
  assert.not(tried.includes(4))
  assert.equal(section(error, 'steps (1 left)'), ['"add"'])
  assert.equal(section(error, 'trace'), [
    '0 ms  test/tally  sim-thread starts',
    '0 ms  test/tally  spawned',
    '0 ms  test/tally  add',
  ])
})

test('steps that need not be there are left out, and the others made simpler', async () => {
  const error = await failureOf<number>({
    seeds: 1,
    generate: (random) => [...Array.from({ length: 40 }, () => random.integer(10)), 70, 5, 90],
    *simplify(step) {
      if (step > 0) yield step - 1
    },
    async run(_system, steps) {
      const large = steps.filter((step) => step >= 60)
      if (large.length >= 2) throw new Error('two large ones')
    },
  })
  assert.equal(section(error, 'steps (2 left)'), ['60', '60'])
})

test('a long trace is cut at its beginning', async () => {
  const error = await failureOf({
    seeds: 1,
    generate: () => [],
    async run(system) {
      const tally = await system.spawn(Tally, undefined)
      for (let n = 0; n < 600; n++) tally.tell.add(n)
      await system.settle()
      throw new Error('no')
    },
  })
  const lines = section(error, 'trace (the last 500 of 601)')
  assert.is(lines.length, 500)
  assert.not(lines.some((line) => line.includes('spawned')))
})

test('a run that waits for what never comes is told of, with who waits for whom', async () => {
  const error = await failureOf({
    seeds: 1,
    generate: () => [],
    async run(system) {
      const stuck = await system.spawn(Stuck, undefined, { name: 'stuck' })
      await stuck.ask.hang()
    },
  })
  assert.match(error.message, 'The run does not end')
  assert.match(error.message, 'no timer waits')
  assert.match(error.message, 'test/stuck (busy): "hang" in hand for 0 ms')
})

test('a run that waits for time which nobody moves is told so', async () => {
  const error = await failureOf({
    seeds: 1,
    generate: () => [],
    run: (system) => system.clock.sleep(60_000),
  })
  assert.match(error.message, 'nobody moves the clock, and 1 timers wait')
})

test('nobody moves the clock also for a run that needs little time', async () => {
  for (const run of [
    (system: TestSystem) => system.clock.sleep(500),
    async (system: TestSystem) => {
      const stuck = await system.spawn(Stuck, undefined)
      await stuck.ask.hang(undefined, { timeoutMs: 50 })
    },
  ]) {
    const error = await failureOf({ seeds: 1, generate: () => [], run })
    assert.match(error.message, 'The run does not end')
  }
})

test('an error that nobody catches fails its seed', async () => {
  const error = await failureOf({
    seeds: 1,
    generate: () => [],
    async run(system) {
      const stuck = await system.spawn(Stuck, undefined)
      void stuck.ask.hang()
      await system.settle()
      await system.kill(stuck)
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  assert.match(error.message, /^seed 1 fails: test\/Stuck-1 has ended \(killed\)/)
})

test('what a run does after it was given up is not held against the next', async () => {
  const error = await failureOf<string>({
    seeds: 1,
    generate: () => ['a', 'bad', 'c', 'd', 'e'],
    async run(system, steps) {
      let bad = false
      for (const step of steps) {
        if (bad) void Promise.reject(new Error(`late: ${step}`))
        bad ||= step === 'bad'
        if (step === 'bad') void Promise.reject(new Error('nobody catches it'))
        await system.advance(1)
      }
    },
  })
  assert.match(error.message, /^seed 1 fails: nobody catches it\n/)
  assert.equal(section(error, 'steps (1 left)'), ['"bad"'])
})

test('A7 each system is disposed of, also when that needs time', async () => {
  const systems: TestSystem[] = []
  await withSeedVariable(undefined, () =>
    overSeeds({
      seeds: 2,
      generate: () => [],
      async run(system) {
        systems.push(system)
        const stuck = await system.spawn(Stuck, undefined)
        stuck.ask.hang().catch(() => undefined)
        await system.settle()
      },
    }),
  )
  assert.is(systems.length, 2)
  for (const { clock, trace } of systems) {
    assert.is(clock.pending, 0)
    assert.equal(trace.at(-1), { at: 5000, path: 'test/Stuck-1', what: 'stopped' })
  }
})

test('KAITIAN_SEED replays one seed, and must be a whole number', async () => {
  const seen: number[] = []
  const property: Property<never> = {
    seeds: 3,
    generate: () => [],
    run: async ({ seed }) => void seen.push(seed),
  }
  await withSeedVariable('77', () => overSeeds(property))
  assert.equal(seen, [77])
  for (const wrong of ['', '1.5', 'seven']) {
    const error = await withSeedVariable(wrong, () =>
      rejection(overSeeds(property), 'BAD_ARGUMENT'),
    )
    assert.match(error.message, `not "${wrong}"`)
  }
})

test.run()
