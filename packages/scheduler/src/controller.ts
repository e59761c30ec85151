import { KaitianError } from '@kaitian/errors'
import { decide, type Beliefs, type Decision } from './decision.js'
import { observeTime, outdated } from './estimator.js'
import { quotaOf, runsOf, type Demand, type DeviceInfo, type Plan, type Quotas } from './plan.js'

export interface ControllerOptions {
  /** `even` ignores all measurements: what the adaptive split is compared with. */
  readonly policy?: 'adaptive' | 'even'
  /** Smallest predicted gain for which quotas move, as a part of the step; 0.005 by default. */
  readonly leastGain?: number
}

/** One device's compute time of one step, collectives and waits excluded. */
export interface TimeReport {
  readonly device: string
  readonly samples: number
  readonly computeMs: number
}

/** Plain data: it survives a structured clone. */
export interface ControllerState extends Beliefs {
  /** Names of the devices that are there. */
  readonly members: readonly string[]
  /** Samples of the last planned step; null before the first. */
  readonly lastSize: number | null
}

/** Throws BAD_CONFIG for an unknown policy or a leastGain outside [0, 1). */
export function createController(options: ControllerOptions = {}): ControllerState {
  const { policy = 'adaptive', leastGain = 0.005 } = options
  if (policy !== 'adaptive' && policy !== 'even') {
    throw new KaitianError(
      'BAD_CONFIG',
      `The scheduler's policy is "adaptive" or "even", not "${String(policy)}".`,
    )
  }
  if (!(leastGain >= 0 && leastGain < 1)) {
    throw new KaitianError('BAD_CONFIG', `leastGain is a part in [0, 1), not ${leastGain}.`)
  }
  const known = { estimates: new Map(), jumps: new Map(), idle: new Map() }
  return { policy, leastGain, members: [], ...known, basis: null, lastSize: null }
}

/**
 * The state once these devices, and no others, are there. A device that
 * returns later is measured anew. Throws BAD_CONFIG for a name given twice.
 */
export function withMembers(
  state: ControllerState,
  devices: readonly Pick<DeviceInfo, 'name'>[],
): ControllerState {
  const members = devices.map(({ name }) => name)
  const kept = new Set(members)
  if (kept.size < members.length) {
    const twice = members.find((name, i) => members.indexOf(name) !== i)
    throw new KaitianError('BAD_CONFIG', `Device ${twice} is listed twice; name each one once.`, {
      fields: { device: twice },
    })
  }
  return {
    ...state,
    members,
    estimates: only(state.estimates, kept),
    jumps: only(state.jumps, kept),
    idle: only(state.idle, kept),
  }
}

/**
 * The state after the times of a step. Reports without samples, without a
 * positive finite time, or of devices that are not members are ignored.
 */
export function observe(state: ControllerState, times: readonly TimeReport[]): ControllerState {
  const estimates = new Map(state.estimates)
  const jumps = new Map(state.jumps)
  const members = new Set(state.members)
  for (const { device, samples, computeMs } of times) {
    const usable = samples > 0 && computeMs > 0 && Number.isFinite(computeMs)
    if (!usable || !members.has(device)) continue
    const { estimate, jump } = observeTime(estimates.get(device), { samples, computeMs })
    estimates.set(device, estimate)
    if (jump !== undefined) jumps.set(device, (jumps.get(device) ?? 1) * jump)
  }
  return { ...state, estimates, jumps }
}

/**
 * Plans one step: the integer minimax split for what is believed of the
 * devices, or the split in force where moving would not pay (see `decide`).
 *
 * Throws BAD_CONFIG when the caps cannot hold the step or the demand makes no
 * sense, NO_DEVICES_LEFT without devices.
 */
export function plan(
  state: ControllerState,
  demand: Demand,
): { state: ControllerState; plan: Plan } {
  const present = withMembers(state, demand.devices)
  const decision = decide(present, demand)
  return {
    state: {
      ...present,
      ...afterVisits(present, decision),
      basis: decision.basis,
      jumps: new Map(),
      lastSize: demand.size,
    },
    plan: planOf(state.lastSize ?? demand.size, demand, decision),
  }
}

/** Counts on for devices without samples of their own; the next time of a visited one replaces its level. */
function afterVisits(
  { estimates, idle }: ControllerState,
  { basis, quotas }: Decision,
): Pick<ControllerState, 'estimates' | 'idle'> {
  const renewed = new Map(estimates)
  for (const { name, again } of basis) {
    const estimate = estimates.get(name)
    const isVisited = again === 'visit' && quotaOf(quotas, name) > 0
    if (isVisited && estimate !== undefined) renewed.set(name, outdated(estimate))
  }
  const counts = basis.map(({ name, again }): [string, number] => {
    const earned = quotaOf(quotas, name) > 0 && again !== 'visit'
    return [name, earned ? 0 : (idle.get(name) ?? 0) + 1]
  })
  return { estimates: renewed, idle: new Map(counts) }
}

function planOf(lastSize: number, demand: Demand, decision: Decision): Plan {
  const { quotas, previous, beforeMs, afterMs, reason } = decision
  const changed = previous === undefined || !sameQuotas(previous, quotas)
  const names = demand.devices.map(({ name }) => name)
  const resized = lastSize === demand.size ? '' : `${demand.size} samples instead of ${lastSize}; `
  return {
    quotas,
    shards: runsOf(demand.firstShard, names, decision.split.shards),
    reason: resized + reason,
    changed,
    ...(afterMs !== undefined && { predictedMs: afterMs }),
    ...(changed &&
      beforeMs !== undefined &&
      afterMs !== undefined && { gain: 1 - afterMs / beforeMs }),
    ...(changed && previous !== undefined && { previous }),
  }
}

function sameQuotas(a: Quotas, b: Quotas): boolean {
  const names = Object.keys({ ...a, ...b })
  return names.every((name) => quotaOf(a, name) === quotaOf(b, name))
}

function only<T>(known: ReadonlyMap<string, T>, names: ReadonlySet<string>): Map<string, T> {
  return new Map([...known].filter(([name]) => names.has(name)))
}
