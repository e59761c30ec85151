import { timeOf, type Model } from './estimator.js'
import { quotaOf, type DeviceInfo, type Quotas } from './plan.js'
import { shardCount, solve, trySolve, type Deal, type SolverDevice, type Split } from './solver.js'

/**
 * The beliefs a split rests on. A decision is a basis, not a split: any step,
 * the short last one of an epoch too, is dealt from it, and quotas move only
 * when the basis is replaced.
 */
export type Basis = readonly BasisDevice[]

export interface BasisDevice {
  readonly name: string
  readonly cap?: number
  /** null: not measured yet. */
  readonly model: Model | null
  /** What it gets at least, although it seems too slow for it. */
  readonly again: Again | null
}

/**
 * Why a device is measured again: it was long without samples (`visit`), so that its model cannot
 * go stale for ever, or a single time would take nearly all of them from it (`look`).
 */
export type Again = 'visit' | 'look'

/** The basis in the order of `devices`; what they lack comes last. */
export function inOrderOf(devices: readonly DeviceInfo[], basis: Basis): Basis {
  const rank = new Map(devices.map(({ name }, i) => [name, i]))
  const rankOf = ({ name }: BasisDevice) => rank.get(name) ?? devices.length
  return basis.toSorted((a, b) => rankOf(a) - rankOf(b))
}

/**
 * The split that a basis gives to a deal. Nothing measured: an even split.
 * Otherwise devices that are not measured yet, or to be looked at again, get
 * a probe of half an even share, those to visit one shard, and the minimax
 * split follows from there.
 *
 * Throws BAD_CONFIG when the caps cannot hold the deal.
 */
export function splitOf(basis: Basis, deal: Deal): Split {
  return probeSplit(basis, deal) ?? solve(deal, guessed(basis, deal))
}

/** As {@link splitOf}; undefined when the caps cannot hold the deal. */
export function trySplitOf(basis: Basis, deal: Deal): Split | undefined {
  return probeSplit(basis, deal) ?? trySolve(deal, guessed(basis, deal))
}

/**
 * Compute time of the slowest measured device in milliseconds; undefined where
 * nothing is measured or a quota belongs to a device that the basis lacks.
 */
export function predictMs(basis: Basis, quotas: Quotas): number | undefined {
  const names = new Set(basis.map(({ name }) => name))
  if (Object.keys(quotas).some((name) => quotas[name] > 0 && !names.has(name))) return undefined
  const times = basis.flatMap(({ name, model }) =>
    model === null ? [] : [timeOf(model, quotaOf(quotas, name))],
  )
  return times.length === 0 ? undefined : Math.max(...times)
}

/** The device that a split waits for; undefined where nothing is measured. */
export function slowest(basis: Basis, quotas: Quotas): string | undefined {
  const ms = predictMs(basis, quotas)
  return basis.find(
    ({ name, model }) => model !== null && timeOf(model, quotaOf(quotas, name)) === ms,
  )?.name
}

export function quotasOf(basis: Basis, split: Split): Quotas {
  return Object.fromEntries(basis.map(({ name }, i) => [name, split.samples[i]]))
}

/**
 * A probe is filled before anything else, because its time counts as 0 up to
 * the probe's size. Undefined where no probe is due, or where the others'
 * caps cannot hold what the probes leave.
 */
function probeSplit(basis: Basis, deal: Deal): Split | undefined {
  if (basis.every(({ model }) => model === null)) return undefined
  if (basis.every(({ model }) => model !== null)) return undefined
  const probe = probeSize(basis.length, deal)
  return trySolve(
    deal,
    basis.map((device) =>
      device.model === null
        ? { name: device.name, cap: Math.min(probe, device.cap ?? probe), time: () => 0 }
        : solverDevice(device, device.model, deal, probe),
    ),
  )
}

/** Half an even share: enough samples to tell what each of them costs from what a step costs. */
export function probeSize(devices: number, deal: Deal): number {
  return Math.max(1, Math.floor(shardCount(deal) / devices / 2)) * deal.shardSize
}

/** Devices with a model each; the unmeasured are taken for like the middle one of the measured. */
function guessed(basis: Basis, deal: Deal): SolverDevice[] {
  const known = basis
    .flatMap(({ model }) => (model === null ? [] : [model]))
    .toSorted((a, b) => a.level - b.level)
  const middle = known[known.length >> 1] ?? { level: 0, rho: 0 }
  const probe = probeSize(basis.length, deal)
  return basis.map((device) => solverDevice(device, device.model ?? middle, deal, probe))
}

function solverDevice(
  { name, cap, again }: BasisDevice,
  model: Model,
  { shardSize }: Deal,
  probe: number,
): SolverDevice {
  const free = again === null ? 0 : again === 'visit' ? shardSize : probe
  return {
    name,
    ...(cap === undefined ? {} : { cap }),
    time: (samples) => (samples <= free ? 0 : timeOf(model, samples)),
  }
}
