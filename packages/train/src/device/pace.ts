import type { Pace } from '../run/options.js'

/**
 * How long a share of `samples` is to take, at least: the profile's time, or
 * the own compute, stretched by an injected slow-down. Never less than the own
 * compute: a pace simulates speed, it cannot add any.
 */
export function shapedMs(
  pace: Pace | undefined,
  factor: number,
  samples: number,
  ownComputeMs: number,
): number {
  if (samples === 0) return ownComputeMs
  if (pace === undefined) return ownComputeMs * Math.max(1, factor)
  return Math.max(ownComputeMs, (pace.alphaMs + pace.betaMs * samples) * factor)
}
