import type { CommittedStep, History } from './history.js'
import { nameOf, type Vote } from './journal.js'
import { dealtTo } from './plans.js'
import { samplesIn, type Run } from './run.js'

/** T3: all members commit a step or none does, and they agree on what it is. */
export function checkVotes(
  run: Run,
  history: History,
  permutations: ReadonlyMap<number, Uint32Array>,
): readonly string[] {
  return history.committed.flatMap((step) => {
    const permutation = permutations.get(step.plan.epoch) ?? new Uint32Array(0)
    const failures = [
      ...memberFailures(step),
      ...partitionFailures(run, step),
      ...step.votes.flatMap((vote) => voteFailures(run, step, vote, permutation)),
    ]
    return failures.map((failure) => `${nameOf(step.plan)}: ${failure}`)
  })
}

function memberFailures({ members, votes }: CommittedStep): readonly string[] {
  const failures: string[] = []
  for (const member of members) {
    const times = votes.filter(({ device }) => device === member).length
    if (times !== 1) failures.push(`${member} voted ${times} times`)
  }
  for (const { device } of votes) {
    if (!members.includes(device)) failures.push(`${device} voted and is no member`)
  }
  return failures
}

function partitionFailures(run: Run, { plan, votes }: CommittedStep): readonly string[] {
  const failures: string[] = []
  const voted = votes.flatMap((vote) => vote.shards)
  const end = plan.firstShard + Math.ceil(plan.size / run.shardSize)
  for (let shard = plan.firstShard; shard < end; shard++) {
    const times = voted.filter((each) => each === shard).length
    if (times !== 1) failures.push(`shard ${shard} is in ${times} votes`)
  }
  const stray = voted.find((shard) => shard < plan.firstShard || shard >= end)
  if (stray !== undefined) failures.push(`shard ${stray} is voted, it is not of this step`)
  return failures
}

function voteFailures(
  run: Run,
  { plan, commit }: CommittedStep,
  vote: Vote,
  permutation: Uint32Array,
): readonly string[] {
  const failures: string[] = []
  const count = vote.shards.reduce((sum, shard) => sum + samplesIn(run, shard), 0)
  const idSum = vote.shards.reduce((sum, shard) => sum + sumOfIds(run, permutation, shard), 0)
  if (vote.digest !== commit.digest) {
    failures.push(`${vote.device} voted for digest ${vote.digest}, committed was ${commit.digest}`)
  }
  if (vote.count !== count) {
    failures.push(`${vote.device} counted ${vote.count} samples, its shards hold ${count}`)
  }
  if (vote.idSum !== idSum) {
    failures.push(`${vote.device} used ids that sum to ${vote.idSum}, its shards' sum to ${idSum}`)
  }
  if (!Number.isInteger(vote.correct) || vote.correct < 0 || vote.correct > vote.count) {
    failures.push(`${vote.device} has ${vote.correct} of ${vote.count} samples right`)
  }
  const voted = vote.shards.toSorted((left, right) => left - right)
  if (voted.join() !== dealtTo(plan, vote.device).join()) {
    failures.push(`${vote.device} used shards ${voted.join(' ')}, which it was not dealt`)
  }
  return failures
}

function sumOfIds(run: Run, permutation: Uint32Array, shard: number): number {
  const from = shard * run.shardSize
  return permutation.subarray(from, from + samplesIn(run, shard)).reduce((sum, id) => sum + id, 0)
}
