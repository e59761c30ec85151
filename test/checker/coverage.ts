import type { CommittedStep, History } from './history.js'
import { samplesIn, shardsOf, type Run } from './run.js'

/** T1: each sample of an epoch is committed exactly once, whatever fails. */
export function checkCoverage(
  run: Run,
  history: History,
  permutations: ReadonlyMap<number, Uint32Array>,
): readonly string[] {
  const failures: string[] = []
  for (const [epoch, permutation] of permutations) {
    if (!isPermutation(permutation, run.samples)) {
      failures.push(`epoch ${epoch}: its permutation is none of 0..${run.samples - 1}`)
    }
  }
  const last = Math.max(0, ...history.committed.map(({ plan }) => plan.epoch))
  const complete = history.end.reason === 'finished'
  const epochs = complete ? Math.max(run.epochs, last + 1) : last + 1
  if (epochs > run.epochs) failures.push(`epoch ${last} is committed, the run has ${run.epochs}`)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const steps = history.committed.filter(({ plan }) => plan.epoch === epoch)
    if (steps.length > 0 && !permutations.has(epoch)) {
      failures.push(`epoch ${epoch}: no permutation was announced`)
    }
    failures.push(...checkOrder(epoch, steps))
    failures.push(...checkEpoch(run, epoch, steps, complete || epoch < last))
  }
  failures.push(...checkEpochOrder(history.committed), ...checkReason(run, history))
  return failures
}

/** What the end line says of the whole. */
function checkReason({ samples, epochs }: Run, { committed, end }: History): readonly string[] {
  const done = committed.reduce((sum, { plan }) => sum + plan.size, 0)
  const whole = done === samples * epochs
  if (whole === (end.reason === 'finished')) return []
  return [`the run ends ${end.reason}, with ${done} of ${samples * epochs} samples committed`]
}

function isPermutation(ids: Uint32Array, samples: number): boolean {
  const seen = new Uint8Array(samples)
  for (const id of ids) {
    if (id >= samples || seen[id] === 1) return false
    seen[id] = 1
  }
  return ids.length === samples
}

function checkEpochOrder(steps: readonly CommittedStep[]): readonly string[] {
  const epochs = steps.map(({ plan }) => plan.epoch)
  const back = epochs.findIndex((epoch, at) => at > 0 && epoch < epochs[at - 1])
  return back === -1 ? [] : [`epoch ${epochs[back]} goes on after epoch ${epochs[back - 1]}`]
}

/** Steps are numbered without gaps, and cursors add up. */
function checkOrder(epoch: number, steps: readonly CommittedStep[]): readonly string[] {
  const failures: string[] = []
  for (const [index, { plan, commit, cursor }] of steps.entries()) {
    const name = `epoch ${epoch}, step ${plan.step}`
    if (plan.step !== index) failures.push(`${name}: committed where step ${index} was due`)
    if (commit.size !== plan.size) {
      failures.push(`${name}: ${commit.size} samples committed, ${plan.size} planned`)
    }
    if (commit.cursor !== cursor + plan.size) {
      failures.push(`${name}: cursor ${commit.cursor}, should be ${cursor + plan.size}`)
    }
  }
  return failures
}

/** Every shard that the epoch's steps reach was voted in exactly one of them, in order. */
function checkEpoch(
  run: Run,
  epoch: number,
  steps: readonly CommittedStep[],
  complete: boolean,
): readonly string[] {
  const failures: string[] = []
  const times = new Map<number, number>()
  let next = 0
  for (const { plan, votes } of steps) {
    const shards = votes.flatMap((vote) => vote.shards).toSorted((left, right) => left - right)
    for (const shard of shards) times.set(shard, (times.get(shard) ?? 0) + 1)
    if (shards.length > 0 && shards[0] !== next) {
      failures.push(
        `epoch ${epoch}, step ${plan.step}: starts at shard ${shards[0]}, ${next} is next`,
      )
    }
    next = Math.max(next, (shards.at(-1) ?? -1) + 1)
  }
  const reached = complete ? shardsOf(run) : next
  for (let shard = 0; shard < reached; shard++) {
    const seen = times.get(shard) ?? 0
    if (seen === 1) continue
    const samples = `${samplesIn(run, shard)} samples`
    const how = seen === 0 ? 'was never committed' : `was committed ${seen} times`
    failures.push(`epoch ${epoch}: shard ${shard} (${samples}) ${how}`)
  }
  for (const shard of times.keys()) {
    if (samplesIn(run, shard) === 0) failures.push(`epoch ${epoch}: there is no shard ${shard}`)
  }
  return failures
}
