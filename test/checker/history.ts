import type { Run } from './run.js'
import {
  nameOf,
  type Commit,
  type End,
  type Entry,
  type EpochEnd,
  type Plan,
  type Vote,
} from './journal.js'

/** A plan with what came of it. */
export interface PlannedStep {
  readonly plan: Plan
  /** Devices of the generation that ran it. */
  readonly members: readonly string[]
  /** Samples of the epoch that were committed before it. */
  readonly cursor: number
  /** Steps of the run that were committed before it. */
  readonly done: number
  /** In the order in which they came; a device may wrongly stand here twice. */
  readonly votes: readonly Vote[]
}

export interface CommittedStep extends PlannedStep {
  readonly commit: Commit
  /** Digest of the state before it. */
  readonly previous: string
}

export interface History {
  readonly planned: readonly PlannedStep[]
  /** In the order of the journal. */
  readonly committed: readonly CommittedStep[]
  readonly epochEnds: readonly EpochEnd[]
  /** Permutation file of each announced epoch. */
  readonly permutations: ReadonlyMap<number, string>
  readonly end: End
  /** What the check `generations` complains of. */
  readonly failures: readonly string[]
}

/** Goes through the journal once and finds out who planned, voted, aborted and committed what. */
export function replayJournal(run: Run, entries: readonly Entry[]): History {
  const replay = new Replay(run)
  for (const entry of entries) replay.take(entry)
  return replay
}

class Replay implements History {
  readonly planned: PlannedStep[] = []
  readonly committed: CommittedStep[] = []
  readonly epochEnds: EpochEnd[] = []
  readonly permutations = new Map<number, string>()
  readonly failures: string[] = []
  end: End = { type: 'end', reason: 'interrupted', digest: '' }
  readonly #run: Run
  /** How each attempt that was planned ended, if it has. */
  readonly #outcomes = new Map<string, 'open' | 'aborted' | 'committed' | 'dropped'>()
  #generation = -1
  #members: readonly string[] = []
  #open: (PlannedStep & { votes: Vote[] }) | undefined
  #cursor = { epoch: -1, samples: 0 }
  #digest: string

  constructor(run: Run) {
    this.#run = run
    this.#digest = run.digest
  }

  take(entry: Entry): void {
    switch (entry.type) {
      case 'generation':
        return this.#startGeneration(entry)
      case 'epoch':
        return this.#startEpoch(entry)
      case 'epochEnd':
        this.epochEnds.push(entry)
        return
      case 'end':
        this.#undecided(entry.line)
        this.end = entry
        return
      default:
        if (entry.generation !== this.#generation) {
          const now = `while generation ${this.#generation} runs`
          this.failures.push(`line ${entry.line}: ${entry.type} of ${nameOf(entry)} ${now}`)
          return
        }
    }
    if (entry.type === 'plan') this.#plan(entry)
    else if (entry.type === 'vote') this.#ifOpen(entry, (step) => this.#vote(step, entry))
    else if (entry.type === 'abort') this.#ifOpen(entry, () => this.#close('aborted'))
    else this.#ifOpen(entry, (step) => this.#commit(step, entry))
  }

  #startGeneration(entry: Extract<Entry, { type: 'generation' }>): void {
    if (entry.generation <= this.#generation) {
      const { line, generation } = entry
      this.failures.push(
        `line ${line}: generation ${generation} follows generation ${this.#generation}`,
      )
    }
    const devices = entry.members.map(({ device }) => device)
    if (devices.length === 0 || new Set(devices).size !== devices.length) {
      this.failures.push(`line ${entry.line}: members are none or named twice`)
    }
    for (const { group, device } of entry.members) {
      if (this.#run.groups.get(device) === group) continue
      this.failures.push(`line ${entry.line}: run.json has no device ${device} in group ${group}`)
    }
    this.#undecided(entry.line)
    this.#close('dropped')
    this.#generation = entry.generation
    this.#members = devices
  }

  #startEpoch(entry: Extract<Entry, { type: 'epoch' }>): void {
    const { line, epoch } = entry
    if (this.permutations.has(epoch)) {
      this.failures.push(`line ${line}: epoch ${epoch} starts twice`)
      return
    }
    if (epoch >= this.#run.epochs) {
      this.failures.push(`line ${line}: epoch ${epoch} starts, the run has ${this.#run.epochs}`)
    }
    if (this.planned.some(({ plan }) => plan.epoch >= epoch)) {
      this.failures.push(`line ${line}: epoch ${epoch} starts when it, or a later one, was planned`)
    }
    this.permutations.set(entry.epoch, entry.permutation)
  }

  #plan(entry: Extract<Entry, { type: 'plan' }>): void {
    const name = nameOf(entry)
    this.#undecided(entry.line)
    if (entry.from !== this.#digest) {
      const from = `from digest ${entry.from}`
      this.failures.push(`line ${entry.line}: ${name} starts ${from}, committed is ${this.#digest}`)
    }
    const earlier = this.#outcomes.get(name)
    if (earlier !== undefined) {
      this.failures.push(`line ${entry.line}: ${name} is planned again, it was ${earlier}`)
    }
    if (this.#cursor.epoch !== entry.epoch) this.#cursor = { epoch: entry.epoch, samples: 0 }
    const cursor = this.#cursor.samples
    const done = this.committed.length
    this.#open = { plan: entry, members: this.#members, cursor, done, votes: [] }
    this.planned.push(this.#open)
    this.#outcomes.set(name, 'open')
  }

  /** Every attempt ends in an abort or a commit, before anything else begins. */
  #undecided(line: number): void {
    if (this.#open === undefined) return
    this.failures.push(`line ${line}: ${nameOf(this.#open.plan)} was neither committed nor aborted`)
  }

  /** Of a step that is committed the check `votes` says more. */
  #vote(step: PlannedStep & { votes: Vote[] }, vote: Entry & Vote): void {
    if (!step.members.includes(vote.device)) {
      this.failures.push(`line ${vote.line}: ${vote.device} votes and is no member`)
    }
    step.votes.push(vote)
  }

  #ifOpen(
    entry: Extract<Entry, { type: 'vote' | 'abort' | 'commit' }>,
    act: (step: PlannedStep & { votes: Vote[] }) => void,
  ): void {
    const name = nameOf(entry)
    if (this.#open !== undefined && nameOf(this.#open.plan) === name) return act(this.#open)
    const why = this.#outcomes.get(name) ?? 'never planned'
    this.failures.push(`line ${entry.line}: ${entry.type} of ${name}, which was ${why}`)
  }

  #commit(step: PlannedStep, commit: Commit): void {
    this.committed.push({ ...step, commit, previous: this.#digest })
    this.#digest = commit.digest
    // by our own count, so that one wrong cursor in the record is one failure
    this.#cursor.samples += step.plan.size
    this.#close('committed')
  }

  #close(outcome: 'aborted' | 'committed' | 'dropped'): void {
    if (this.#open !== undefined) this.#outcomes.set(nameOf(this.#open.plan), outcome)
    this.#open = undefined
  }
}
