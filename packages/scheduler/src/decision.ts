import {
  inOrderOf,
  predictMs,
  probeSize,
  quotasOf,
  slowest,
  splitOf,
  trySplitOf,
  type Basis,
  type BasisDevice,
} from './basis.js'
import {
  fixedMs,
  guessedModel,
  modelOf,
  standardError,
  type Estimate,
  type Model,
} from './estimator.js'
import { quotaOf, type Demand, type Quotas } from './plan.js'
import {
  evenPolicy,
  explainMove,
  explainRest,
  noMeasurements,
  type Cause,
  type Effect,
} from './reason.js'
import type { Split } from './solver.js'

/** What a decision is made from. */
export interface Beliefs {
  readonly policy: 'adaptive' | 'even'
  /** Smallest predicted gain for which quotas move, as a part of the step. */
  readonly leastGain: number
  readonly estimates: ReadonlyMap<string, Estimate>
  /** Factor by which a device's time jumped since the last decision. */
  readonly jumps: ReadonlyMap<string, number>
  /** Plans in a row in which a device earned no samples. */
  readonly idle: ReadonlyMap<string, number>
  /** What the split in force rests on; null: nothing yet. */
  readonly basis: Basis | null
}

export interface Decision extends Effect {
  readonly basis: Basis
  readonly split: Split
  readonly reason: string
}

/** In standard errors of the predicted gain; less is taken for noise. */
const CONFIDENCE = 0.7
/** Plans without samples before a device is measured again; a power of two, as all later ones. */
const FIRST_VISIT = 16

/**
 * Replaces the standing basis when something forces it (membership, a cap, a
 * first measurement, a jump of a device's speed) or when the predicted gain is
 * above both `leastGain` and the noise; keeps it otherwise.
 */
export function decide(beliefs: Beliefs, demand: Demand): Decision {
  const fresh = freshBasis(beliefs, demand)
  const standing = inOrderOf(demand.devices, beliefs.basis ?? [])
  const move = effectOf(fresh, standing, demand)
  const causes = forced(beliefs, standing, move)
  if (move.afterMs === undefined)
    return { ...move, reason: reasonUnmeasured(beliefs, causes, move) }
  if (causes.length > 0) return { ...move, reason: explainMove(causes, move) }

  // Nothing forced a move, so the standing basis has the same devices and caps: both are known.
  const { previous = {}, beforeMs = move.afterMs } = move
  const gain = 1 - move.afterMs / beforeMs
  const error = gainError(beliefs.estimates, fresh, previous, move.quotas)
  const needed = Math.max(beliefs.leastGain, CONFIDENCE * error)
  if (gain > needed) return { ...move, reason: explainMove([{ kind: 'gain' }], move) }
  return {
    basis: standing,
    split: splitOf(standing, demand),
    quotas: previous,
    previous,
    beforeMs,
    afterMs: beforeMs,
    reason: explainRest(gain, needed),
  }
}

function freshBasis({ policy, estimates, idle }: Beliefs, demand: Demand): Basis {
  const models = modelsOf(demand.devices, estimates)
  const basis = demand.devices.map(({ name, cap }): BasisDevice => {
    const estimate = policy === 'adaptive' ? estimates.get(name) : undefined
    const fits = (cap ?? Infinity) >= demand.shardSize
    return {
      name,
      ...(cap === undefined ? {} : { cap }),
      model: estimate === undefined ? null : models.get(name)!,
      again: estimate !== undefined && fits && visitDue(idle.get(name) ?? 0) ? 'visit' : null,
    }
  })
  return withLooks(basis, estimates, demand)
}

/**
 * What a step costs a device by itself shows when its quota moves. Until then it is taken to be
 * what the others' least is: were it taken for nothing, more samples would seem too dear for ever.
 */
function modelsOf(
  devices: Demand['devices'],
  estimates: Beliefs['estimates'],
): ReadonlyMap<string, Model> {
  const known = devices.flatMap(({ name }) => {
    const estimate = estimates.get(name)
    return estimate === undefined ? [] : [{ name, estimate, fixed: fixedMs(estimate) }]
  })
  const costs = known.flatMap(({ fixed }) => (fixed === undefined ? [] : [fixed]))
  const least = costs.length === 0 ? undefined : Math.min(...costs)
  return new Map(
    known.map(({ name, estimate, fixed }) => {
      const guess = fixed === undefined && least !== undefined
      return [name, guess ? guessedModel(estimate, least) : modelOf(estimate)]
    }),
  )
}

/** A device is not given up for one slow time: until it has had another it keeps half an even share. */
function withLooks(basis: Basis, estimates: Beliefs['estimates'], demand: Demand): Basis {
  const doubtful = basis.map(
    ({ name, model, again }) =>
      model !== null && again === null && estimates.get(name)?.confirmed === false,
  )
  if (!doubtful.includes(true)) return basis
  const split = trySplitOf(basis, demand)
  if (split === undefined) return basis
  const least = probeSize(basis.length, demand)
  return basis.map((device, index) => {
    const enough = Math.min(least, device.cap ?? least)
    return doubtful[index] && split.samples[index] < enough ? { ...device, again: 'look' } : device
  })
}

/** Ever more rarely, so that a device which stays too slow costs next to nothing. */
function visitDue(idle: number): boolean {
  return idle >= FIRST_VISIT && Number.isInteger(Math.log2(idle))
}

/** What dealing from the fresh basis does, seen with the fresh beliefs. */
function effectOf(fresh: Basis, standing: Basis, demand: Demand): Omit<Decision, 'reason'> {
  const split = splitOf(fresh, demand)
  const quotas = quotasOf(fresh, split)
  const old = standing.length === 0 ? undefined : trySplitOf(standing, demand)
  const previous = old && quotasOf(standing, old)
  return {
    basis: fresh,
    split,
    quotas,
    previous,
    beforeMs: previous && predictMs(fresh, previous),
    afterMs: predictMs(fresh, quotas),
  }
}

/** What leaves no choice but to solve anew; empty: a matter of gain. */
function forced(
  { policy, basis, jumps }: Beliefs,
  standing: Basis,
  { basis: fresh, quotas, afterMs }: Omit<Decision, 'reason'>,
): Cause[] {
  if (basis === null) return []
  const before = new Map(standing.map((device) => [device.name, device]))
  const names = new Set(fresh.map(({ name }) => name))
  const left = standing.filter(({ name }) => !names.has(name))
  const causes: Cause[] = left.map(({ name }) => ({ kind: 'left', device: name }))
  const nothingKnown = standing.every(({ model }) => model === null)
  let first = false
  for (const { name: device, cap, model, again } of fresh) {
    const old = before.get(device)
    if (old === undefined || (old.model !== null && model === null)) {
      const probe = model === null && afterMs !== undefined ? quotaOf(quotas, device) : null
      causes.push({ kind: 'joined', device, probe })
      continue
    }
    if (old.model === null && model !== null && nothingKnown) first = true
    else if (old.model === null && model !== null) causes.push({ kind: 'measured', device })
    if (again !== null) causes.push({ kind: again, device })
    else if (old.again !== null) causes.push({ kind: 'measured-again', device })
    if (old.cap !== cap) causes.push({ kind: 'cap', device, cap })
    const factor = policy === 'adaptive' ? jumps.get(device) : undefined
    if (factor !== undefined) causes.push({ kind: 'jump', device, factor })
  }
  return first ? [...causes, { kind: 'first' }] : causes
}

function reasonUnmeasured({ policy }: Beliefs, causes: readonly Cause[], effect: Effect): string {
  const why = policy === 'even' ? evenPolicy : noMeasurements
  return causes.length === 0 ? why : `${explainMove(causes, effect)}; ${why}`
}

/** Standard error of a predicted gain: those of the two devices that the two splits wait for. */
function gainError(
  estimates: ReadonlyMap<string, Estimate>,
  basis: Basis,
  ...splits: readonly Quotas[]
): number {
  const errors = splits.map((quotas) => {
    const name = slowest(basis, quotas)
    const estimate = name === undefined ? undefined : estimates.get(name)
    return estimate === undefined ? 0 : standardError(estimate)
  })
  return Math.hypot(...errors)
}
