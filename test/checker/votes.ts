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
  const failures = history.committed.flatMap((step) => {
    const permutation = permutations.get(step.plan.epoch) ?? new Uint32Array(0)
    const found = [
      ...memberFailures(step),
      ...partitionFailures(run, step),
      ...step.votes.flatMap((vote) => voteFailures(run, step, vote, permutation)),
    ]
    return found.map((failure) => `${nameOf(step.plan)}: ${failure}`)
  })
  return [...failures, ...sumFailures(history)]
}

/** Relative; sums of the same numbers in another order. */
const SUM_TOLERANCE = 1e-9

/** Each epoch's sums are what its votes sum to, over all its committed steps. */
function sumFailures({ committed, epochEnds }: History): readonly string[] {
  const failures: string[] = []
  for (const epoch of new Set(committed.map(({ plan }) => plan.epoch))) {
    const steps = committed.filter(({ plan }) => plan.epoch === epoch)
    const votes = steps.flatMap((step) => step.votes)
    const sum = (key: 'count' | 'correct' | 'lossSum'): number =>
      votes.reduce((total, vote) => total + vote[key], 0)
    const ends = epochEnds.filter((end) => end.epoch === epoch)
    if (ends.length !== 1) failures.push(`epoch ${epoch} has ${ends.length} lines with its sums`)
    for (const end of ends) {
      const loss = sum('lossSum')
      const near = Math.abs(end.lossSum - loss) <= SUM_TOLERANCE * Math.abs(loss)
      const same = near || (Number.isNaN(loss) && Number.isNaN(end.lossSum))
      if (end.steps === steps.length && end.samples === sum('count')) {
        if (same && end.correct === sum('correct')) continue
      }
      const stated = `${end.steps} steps, ${end.samples} samples, losses ${end.lossSum}, ${end.correct} right`
      const voted = `${steps.length} steps, ${sum('count')} samples, losses ${loss}, ${sum('correct')} right`
      failures.push(`epoch ${epoch} ends with ${stated}; its votes have ${voted}`)
    }
  }
  return failures
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
  if (vote.count === 0 && (vote.lossSum !== 0 || vote.correct !== 0)) {
    failures.push(`${vote.device} has losses of ${vote.lossSum} without a sample`)
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
