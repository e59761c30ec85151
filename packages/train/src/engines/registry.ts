import { KaitianError } from '@kaitian/errors'
import type { EngineFactory } from './engine.js'

/** Engines are imported when they are opened: `sim` needs no tfjs. */
const ENGINES: Readonly<Record<string, EngineFactory>> = {
  sim: async (options) => (await import('./sim/engine.js')).openSimEngine(options),
  tfjs: async (options) => (await import('./tfjs/engine.js')).openTfjsEngine(options),
}

/** The factory of an engine by its name on the command line; throws UNKNOWN_ENGINE. */
export function engineFactory(name: string): EngineFactory {
  if (Object.hasOwn(ENGINES, name)) return ENGINES[name]
  const known = Object.keys(ENGINES)
  throw new KaitianError(
    'UNKNOWN_ENGINE',
    `There is no engine named ${JSON.stringify(name)}; choose one of ${known.join(', ')}.`,
    { fields: { name, known } },
  )
}
