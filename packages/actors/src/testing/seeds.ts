import { KaitianError, messageOf } from '@kaitian/errors'
import {
  callback,
  checkArgument,
  checkOptions,
  shapeOf,
  wholeFrom,
  wholeNumber,
} from '../checks.js'
import { seededRandom, type Random } from '../random.js'
import { replayCommand, surroundings, type Surroundings } from './replay.js'
import { runDown } from './run-down.js'
import { testSystem, type TestSystem, type TraceEntry } from './test-system.js'
import { Watchdog } from './watchdog.js'

export interface Property<Step> {
  /** How many seeds are tried. */
  seeds: number
  /** The first one; 1 unless told. */
  from?: number
  /** What is done, as plain data, so that it can be shrunk and printed. */
  generate(random: Random): Step[]
  /**
   * Does it, and throws when the property does not hold. The system is disposed of afterwards. A
   * run that waits for what never comes is a failure too, and so is an error that nobody catches.
   */
  run(system: TestSystem, steps: readonly Step[]): Promise<void>
  /** Simpler forms of a step, to be tried when it cannot be left out. */
  simplify?(step: Step): Iterable<Step>
}

/** Which of the steps had to be there for it to fail, and what happened then. */
interface Counterexample<Step> {
  seed: number
  error: unknown
  steps: readonly Step[]
  trace: readonly TraceEntry[]
}

const rules = {
  seeds: wholeFrom(1),
  from: wholeNumber,
  generate: callback,
  run: callback,
  simplify: callback,
}

/** Lines of a trace that are printed. */
const most = 500

/**
 * Tries a property of actors over many seeds. The first seed that fails is tried again with fewer and
 * fewer steps; then the error, the seed, the command that replays it (`KAITIAN_SEED=… node …`), the
 * steps that are left and their trace are thrown as one error.
 */
export async function overSeeds<Step>(property: Property<Step>): Promise<void> {
  const around = surroundings()
  checkOptions('overSeeds()', property, shapeOf(rules))
  for (const name of ['seeds', 'generate', 'run'] as const) {
    checkArgument('overSeeds()', name, property[name], rules[name])
  }
  const { first, last } = range(property)
  for (let seed = first; seed <= last; seed++) {
    const steps = property.generate(seededRandom('steps', seed))
    const failure = await attempt(property, seed, steps)
    if (failure !== undefined) throw report(await shrink(property, failure), around)
  }
}

function range({ seeds, from = 1 }: { seeds: number; from?: number }): {
  first: number
  last: number
} {
  const only = process.env.KAITIAN_SEED
  if (only === undefined) return { first: from, last: from + seeds - 1 }
  const seed = Number(only)
  if (only.trim() !== '' && Number.isSafeInteger(seed)) return { first: seed, last: seed }
  throw new KaitianError('BAD_ARGUMENT', `KAITIAN_SEED is a whole number, not "${only}"`)
}

async function attempt<Step>(
  property: Property<Step>,
  seed: number,
  steps: readonly Step[],
): Promise<Counterexample<Step> | undefined> {
  const system = testSystem({ seed })
  const watchdog = new Watchdog(system)
  let run: Promise<void> | undefined
  try {
    run = property.run(system, steps)
    await watchdog.guard(run)
    await watchdog.guard(finish(system))
    return undefined
  } catch (error) {
    const trace = [...system.trace]
    await watchdog.outlast(Promise.allSettled([run, finish(system)]))
    return { seed, error, steps, trace }
  } finally {
    watchdog.close()
  }
}

/** A run may leave something in quarantine, so that a disposal which rejects is no failure. */
async function finish(system: TestSystem): Promise<void> {
  await runDown(system, system.dispose())
}

/** Removes ever smaller parts, as long as it still fails (delta debugging, doi:10.1109/32.988498). */
async function shrink<Step>(
  property: Property<Step>,
  found: Counterexample<Step>,
): Promise<Counterexample<Step>> {
  let least = found
  for (let size = Math.ceil(least.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.steps.length;) {
      const fewer = [...least.steps.slice(0, at), ...least.steps.slice(at + size)]
      const failure = await attempt(property, found.seed, fewer)
      if (failure === undefined) at += size
      else least = failure
    }
  }
  const simpler = await simplify(property, least)
  // What is simpler may make others superfluous.
  return simpler === least ? least : shrink(property, simpler)
}

async function simplify<Step>(
  property: Property<Step>,
  found: Counterexample<Step>,
): Promise<Counterexample<Step>> {
  let least = found
  for (let at = 0; at < least.steps.length; at++) {
    for (const simpler of property.simplify?.(least.steps[at]) ?? []) {
      const failure = await attempt(property, found.seed, least.steps.with(at, simpler))
      if (failure === undefined) continue
      least = failure
      at--
      break
    }
  }
  return least
}

function report<Step>(
  { seed, error, steps, trace }: Counterexample<Step>,
  around: Surroundings,
): KaitianError {
  const why = messageOf(error)
  const left = trace.slice(-most)
  const lines = [
    `seed ${seed} fails: ${why}`,
    `replay: ${replayCommand(seed, around)}`,
    `steps (${steps.length} left):`,
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
    left.length === trace.length ? 'trace:' : `trace (the last ${most} of ${trace.length}):`,
    ...left.map(({ at, path, what }) => `  ${at} ms  ${path}  ${what}`),
  ]
  return new KaitianError('INTERNAL', lines.join('\n'), { cause: error, fields: { seed } })
}
