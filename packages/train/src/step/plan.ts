/** What one device is to do in a step. Quota in samples; its shards are the run `first .. first+count−1`. */
export interface Share {
  readonly quota: number
  readonly first: number
  readonly count: number
}

/**
 * One step as the scheduler dealt it. A step that runs again keeps epoch,
 * step, size and its shards; shares, generation and exponents may differ.
 */
export interface Plan {
  readonly generation: number
  readonly epoch: number
  readonly step: number
  /** Which step of this generation, from 0: gives the collectives' sequence numbers. */
  readonly ordinal: number
  /** B_s, samples. */
  readonly size: number
  readonly firstShard: number
  readonly shardCount: number
  readonly shares: Readonly<Record<string, Share>>
  readonly learningRate: number
  /** Deterministic mode: power of two per bucket that gradients are scaled by. */
  readonly exponents?: readonly number[]
  /** Deterministic mode: buckets whose exponent is a guess; gradients in them are measured, not committed. */
  readonly unmeasured?: readonly number[]
  readonly reason: string
  readonly moved: boolean
}

/** Which attempt at which step a message is about. */
export interface AttemptId {
  readonly generation: number
  readonly epoch: number
  readonly step: number
  readonly ordinal: number
}

/** One device's part of a plan: all that it needs to know of it. */
export interface Assignment extends AttemptId {
  /** Its shards: the run `first .. first+count−1`. */
  readonly first: number
  readonly count: number
  readonly learningRate: number
  readonly exponents?: readonly number[]
}

/** A device's word that it holds the step's result in its second buffer. */
export interface Vote {
  readonly generation: number
  readonly epoch: number
  readonly step: number
  readonly ordinal: number
  readonly device: string
  /** Shards it computed. */
  readonly shards: readonly number[]
  /** Samples it computed, and the sum of their ids. */
  readonly count: number
  readonly idSum: number
  /** Samples of the whole step as the reduction counted them. */
  readonly reducedCount: number
  /** Digest of the state that a commit would make current. */
  readonly digest: string
  readonly lossSums: readonly number[]
  readonly correct: number
  /** False when a gradient was not finite or left the range of deterministic mode. */
  readonly finite: boolean
  /** Deterministic mode: largest |gradient| of a shard in each bucket; Infinity where it left the range. */
  readonly maxima?: readonly number[]
  readonly computeMs: number
  readonly ownComputeMs: number
  /** From the end of its compute until it held the sums: waiting for others, and reducing. */
  readonly reduceMs: number
  /** Divide, optimise, digest. */
  readonly updateMs: number
}

export function assignmentOf(plan: Plan, device: string): Assignment {
  const { first, count } = plan.shares[device]
  const { learningRate, exponents } = plan
  return { ...attemptOf(plan), first, count, learningRate, ...(exponents && { exponents }) }
}

export function attemptOf({ generation, epoch, step, ordinal }: AttemptId): AttemptId {
  return { generation, epoch, step, ordinal }
}

/** True when a message belongs to this very attempt at a step. */
export function sameAttempt(a: AttemptId, b: AttemptId): boolean {
  return (
    a.generation === b.generation &&
    a.epoch === b.epoch &&
    a.step === b.step &&
    a.ordinal === b.ordinal
  )
}
