import { KaitianError } from '@kaitian/errors'
import TinyQueue from 'tinyqueue'

/**
 * The samples of one step, cut into shards: all of `shardSize`, the last one
 * shorter where `shardSize` does not divide `size`.
 */
export interface Deal {
  /** Samples of the step, B_s. */
  readonly size: number
  /** Samples of a shard, m. */
  readonly shardSize: number
}

/** What the solver needs to know of a device. */
export interface SolverDevice {
  readonly name: string
  /** Most samples the device may take; none: no limit. */
  readonly cap?: number
  /** Time of `samples` samples: 0 for 0, never falling, never NaN; the unit is the caller's. */
  time(samples: number): number
}

/** A split of a deal; the arrays are parallel to the devices it was solved for. */
export interface Split {
  readonly shards: readonly number[]
  readonly samples: readonly number[]
  /** Time of the slowest device, in the unit of the devices' `time`. */
  readonly makespan: number
}

/**
 * The integer split with the least makespan, exactly. Each shard goes to the
 * device that would finish earliest with it, which is optimal for times that
 * never fall (Ibaraki & Katoh, Resource Allocation Problems, MIT Press 1988);
 * equal finishes go to the device named first. O(n log d) for n shards on d
 * devices.
 *
 * Devices take contiguous runs of shards in their order, so a short last shard
 * belongs to the last device that has any. That device is enumerated from the
 * back; a bound that only grows ends the search, mostly after one or two.
 *
 * Throws BAD_CONFIG when the caps cannot hold the step, NO_DEVICES_LEFT when
 * there is no device.
 */
export function solve(deal: Deal, devices: readonly SolverDevice[]): Split {
  const split = trySolve(deal, devices)
  if (split === undefined) throw capsTooSmall(deal, devices)
  return split
}

/** As {@link solve}; undefined when the caps cannot hold the step. */
export function trySolve(deal: Deal, devices: readonly SolverDevice[]): Split | undefined {
  checkInput(deal, devices)
  const shards = shardCount(deal)
  return shards * deal.shardSize === deal.size
    ? fill(deal.shardSize, shards, devices)
    : solveShortTail(deal, shards, devices)
}

/** Shards of a deal, the short one included. */
export function shardCount(deal: Deal): number {
  return Math.ceil(deal.size / deal.shardSize)
}

function solveShortTail(
  deal: Deal,
  shards: number,
  devices: readonly SolverDevice[],
): Split | undefined {
  const missing = shards * deal.shardSize - deal.size
  let best: Split | undefined
  for (let last = devices.length - 1; last >= 0; last--) {
    const able = devices.slice(0, last + 1)
    // A split that ends at `last` holds the full shards at least, on no more than these devices.
    const bound = fill(deal.shardSize, shards - 1, able)
    if (bound === undefined || (best !== undefined && bound.makespan >= best.makespan)) break
    const split = fill(deal.shardSize, shards, able, { device: last, missing })
    if (split !== undefined && (best === undefined || split.makespan < best.makespan)) {
      best = padded(split, devices.length)
    }
  }
  return best
}

interface Tail {
  readonly device: number
  /** Samples by which the last shard is short. */
  readonly missing: number
}

interface Offer {
  readonly device: number
  /** When the device would finish if it took one shard more. */
  readonly finish: number
}

/** The greedy itself; undefined where caps end it early. The tail's device starts with its short shard. */
function fill(
  shardSize: number,
  shards: number,
  devices: readonly SolverDevice[],
  tail?: Tail,
): Split | undefined {
  const counts = devices.map(() => 0)
  const samplesAt = (device: number, count: number) =>
    count * shardSize - (tail?.device === device && count > 0 ? tail.missing : 0)
  const offers = new TinyQueue<Offer>([], (a, b) => a.finish - b.finish || a.device - b.device)
  const offer = (device: number) => {
    const samples = samplesAt(device, counts[device] + 1)
    if (samples <= (devices[device].cap ?? Infinity)) {
      offers.push({ device, finish: devices[device].time(samples) })
    }
  }

  let left = shards
  if (tail !== undefined) {
    if (samplesAt(tail.device, 1) > (devices[tail.device].cap ?? Infinity)) return undefined
    counts[tail.device] = 1
    left--
  }
  devices.forEach((_, device) => offer(device))
  for (; left > 0; left--) {
    const next = offers.pop()
    if (next === undefined) return undefined
    counts[next.device]++
    offer(next.device)
  }

  const samples = counts.map((count, device) => samplesAt(device, count))
  return { shards: counts, samples, makespan: makespan(devices, samples) }
}

/** Time of the slowest device under a split that is already known. */
export function makespan(devices: readonly SolverDevice[], samples: readonly number[]): number {
  return devices.reduce((most, device, i) => Math.max(most, device.time(samples[i])), 0)
}

function padded(split: Split, length: number): Split {
  const zeros = Array.from({ length: length - split.shards.length }, () => 0)
  return { ...split, shards: [...split.shards, ...zeros], samples: [...split.samples, ...zeros] }
}

function checkInput(deal: Deal, devices: readonly SolverDevice[]): void {
  if (devices.length === 0) {
    throw new KaitianError('NO_DEVICES_LEFT', 'There is no device to deal samples to. Add one.')
  }
  if (!Number.isSafeInteger(deal.size) || deal.size < 0) {
    throw new KaitianError(
      'BAD_CONFIG',
      `A step holds a whole number of samples ≥ 0, not ${deal.size}.`,
      { fields: { size: deal.size } },
    )
  }
  if (!Number.isSafeInteger(deal.shardSize) || deal.shardSize < 1) {
    throw new KaitianError(
      'BAD_CONFIG',
      `A shard holds a whole number of samples ≥ 1, not ${deal.shardSize}.`,
      { fields: { shardSize: deal.shardSize } },
    )
  }
}

function capsTooSmall(deal: Deal, devices: readonly SolverDevice[]): KaitianError {
  const caps = devices.map(({ name, cap }) => `${name} ${cap ?? 'unlimited'}`).join(', ')
  return new KaitianError(
    'BAD_CONFIG',
    `A step of ${deal.size} samples in shards of ${deal.shardSize} does not fit the devices' caps ` +
      `(${caps}). Lower the batch or the shard size, raise a cap or add a device.`,
    { fields: { ...deal, caps: devices.map(({ name, cap }) => ({ name, cap })) } },
  )
}
