import type { Clock } from '@kaitian/actors'
import type { Batch, BatchResult, Engine } from '../engines/engine.js'
import type { Arena } from './arena.js'

/** A device's part of a step, computed. */
export interface ShareResult {
  readonly count: number
  readonly idSum: number
  /** One per pass, in the order of the shards. */
  readonly lossSums: readonly number[]
  readonly correct: number
  readonly ownComputeMs: number
}

/** Tells that nobody wants the result any more. */
export interface GivingUp {
  readonly signal: AbortSignal
  /** Throws the signal's reason, also where the signal has not been heard yet. */
  check(): void
}

/**
 * Computes a device's share into the arena: one pass over all its samples, or
 * one pass per shard where the caller cut it so. `mark(n)` says that the first
 * n buckets are final; it is called only during the last pass.
 */
export async function computeShare(
  engine: Engine,
  arena: Arena,
  passes: readonly Batch[],
  exponents: readonly number[] | undefined,
  clock: Clock,
  mark: (collected: number) => void,
  until: GivingUp,
): Promise<ShareResult> {
  const startedAt = clock.now()
  const count = passes.reduce((sum, batch) => sum + batch.count, 0)
  arena.begin({ count, passes: passes.length, exponents })
  const results: BatchResult[] = []
  for (const [index, batch] of passes.entries()) {
    const last = index === passes.length - 1
    const ready = (from: number): void => {
      // Whoever computes without a pause hears of an abort here alone.
      until.check()
      if (!last) return
      arena.collect(from)
      mark(arena.collected)
    }
    const pending = engine.gradient(batch, arena.scratch, ready, until.signal)
    results.push(pending instanceof Promise ? await pending : pending)
    if (!last) arena.endPass()
  }
  // Without a shard the device still joins every operation: zeros and count 0.
  if (passes.length === 0) arena.skip()
  else arena.collect(0)
  mark(arena.collected)
  return {
    count,
    idSum: passes.reduce((sum, { ids }) => ids.reduce((total, id) => total + id, sum), 0),
    lossSums: results.map(({ lossSum }) => lossSum),
    correct: results.reduce((sum, { correct }) => sum + correct, 0),
    ownComputeMs: clock.now() - startedAt,
  }
}
