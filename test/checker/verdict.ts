export type CheckName =
  | 'format'
  | 'coverage'
  | 'plans'
  | 'votes'
  | 'generations'
  | 'samples'
  | 'gradients'
  | 'optimiser'
  | 'chain'

export interface CheckResult {
  readonly name: CheckName
  readonly outcome: 'ok' | 'failed' | 'skipped'
  /** What was looked at, or why it was not. */
  readonly detail: string
  /** One sentence each, in the order of the record. */
  readonly failures: readonly string[]
}

export interface Verdict {
  readonly ok: boolean
  readonly checks: readonly CheckResult[]
  /** The last line of the output. */
  readonly summary: string
  /** Committed samples, epochs that have commits, committed steps, sampled steps replayed. */
  readonly samples: number
  readonly epochs: number
  readonly steps: number
  readonly replayed: number
}

export function result(
  name: CheckName,
  failures: readonly string[],
  detail: string,
  skipped = false,
): CheckResult {
  const outcome = failures.length > 0 ? 'failed' : skipped ? 'skipped' : 'ok'
  return { name, outcome, detail, failures }
}

/** `coverage: FAILED, epoch 0: shard 3 … (and 2 more)` */
export function lineOf({ name, outcome, detail, failures }: CheckResult): string {
  if (outcome !== 'failed') return `${name}: ${outcome}, ${detail}`
  const rest = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
  return `${name}: FAILED, ${failures[0]}${rest}`
}

export function verdictOf(
  checks: readonly CheckResult[],
  counts: Pick<Verdict, 'samples' | 'epochs' | 'steps' | 'replayed'>,
): Verdict {
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  if (failed.length > 0) {
    const names = failed.map(({ name }) => name).join(', ')
    const summary = `checker: FAILED ${failed.length} of ${checks.length} checks: ${names}`
    return { ok: false, checks, summary, ...counts }
  }
  const { samples, epochs, steps, replayed } = counts
  const skipped = checks.find(({ name, outcome }) => name === 'gradients' && outcome === 'skipped')
  const how =
    skipped === undefined
      ? `${replayed} replayed in fp64`
      : `${replayed} replayed, gradients ${skipped.outcome}: ${skipped.detail}`
  const amounts = `${samples} samples committed exactly once over ${plural(epochs, 'epoch')}`
  return {
    ok: true,
    checks,
    summary: `checker: ok, ${amounts}, ${plural(steps, 'step')} (${how})`,
    ...counts,
  }
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
