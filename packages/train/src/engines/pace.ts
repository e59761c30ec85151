import { KaitianError } from '@kaitian/errors'
import type { Pace } from '../run/options.js'

/** Reads a pace from an engine's settings; what is not set costs nothing. Throws BAD_CONFIG. */
export function paceOf(settings: Readonly<Record<string, unknown>>): Pace {
  return { alphaMs: duration(settings, 'alphaMs'), betaMs: duration(settings, 'betaMs') }
}

export function paceMs({ alphaMs, betaMs }: Pace, samples: number): number {
  return alphaMs + betaMs * samples
}

function duration(settings: Readonly<Record<string, unknown>>, name: string): number {
  const value = settings[name] ?? 0
  if (typeof value === 'number' && value >= 0 && value < Infinity) return value
  throw new KaitianError(
    'BAD_CONFIG',
    `The engine setting ${name} is a time in milliseconds ≥ 0, not ${JSON.stringify(value)}.`,
    { fields: { name, value } },
  )
}
