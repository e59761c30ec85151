import type { Deal } from './solver.js'

export interface DeviceInfo {
  /** `vendor:ordinal`; unique among the devices of a request. */
  readonly name: string
  readonly group: string
  /** Most samples the device may take. */
  readonly cap?: number
}

/** What a plan is for: the samples of a step and the devices that are there. */
export interface Demand extends Deal {
  /** Id of the step's first shard. */
  readonly firstShard: number
  readonly devices: readonly DeviceInfo[]
}

/** Contiguous shard ids, [first, first + count). */
export interface ShardRun {
  readonly first: number
  readonly count: number
}

/** Samples by device name. */
export type Quotas = Readonly<Record<string, number>>

/** A device's samples; 0 for one that has none. Names may be anything, `constructor` too. */
export function quotaOf(quotas: Quotas, device: string): number {
  return Object.hasOwn(quotas, device) ? quotas[device] : 0
}

export interface Plan {
  /** Whole numbers ≥ 0 that sum to the demand's size (S1), none above its cap (S2). */
  readonly quotas: Quotas
  /** Shards of each device, handed out in the devices' order; a count may be 0. */
  readonly shards: Readonly<Record<string, ShardRun>>
  /** Why the split is as it is, in words (S4). */
  readonly reason: string
  /** Whether the split differs from what the last decision would have given this step. */
  readonly changed: boolean
  /** Compute time of the slowest measured device, in milliseconds; absent before any measurement. */
  readonly predictedMs?: number
  /** Part of the compute time that the change is predicted to save; absent where nothing compares. */
  readonly gain?: number
  /** What the last decision would have given this step; only with `changed`. */
  readonly previous?: Quotas
}

/** Shards as contiguous runs in device order. */
export function runsOf(
  firstShard: number,
  names: readonly string[],
  counts: readonly number[],
): Record<string, ShardRun> {
  let first = firstShard
  const runs = names.map((name, i): [string, ShardRun] => {
    const run = { first, count: counts[i] }
    first += counts[i]
    return [name, run]
  })
  return Object.fromEntries(runs)
}
