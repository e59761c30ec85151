import type { Plan, Vote } from './plan.js'

/** Why these votes must not commit; nothing when they may. */
export function disagreement(
  plan: Plan,
  votes: readonly Vote[],
): { code: 'DIGEST_MISMATCH' | 'LEDGER_VIOLATION'; cause: string } | undefined {
  const shards = votes.flatMap((vote) => vote.shards).toSorted((a, b) => a - b)
  const partition =
    shards.length === plan.shardCount &&
    shards.every((shard, index) => shard === plan.firstShard + index)
  if (!partition) {
    return { code: 'LEDGER_VIOLATION', cause: 'the votes do not cover the step exactly once' }
  }
  const counted = votes.reduce((sum, { count }) => sum + count, 0)
  const miscounted = votes.find(({ reducedCount }) => reducedCount !== plan.size)
  if (counted !== plan.size || miscounted !== undefined) {
    return {
      code: 'LEDGER_VIOLATION',
      cause: `${counted} samples voted and ${miscounted?.reducedCount ?? plan.size} reduced of ${plan.size} planned`,
    }
  }
  const other = votes.find(({ digest }) => digest !== votes[0].digest)
  if (other === undefined) return undefined
  return {
    code: 'DIGEST_MISMATCH',
    cause: `${other.device} ended with other bits than ${votes[0].device}`,
  }
}
