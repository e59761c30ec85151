import { quotaOf, type Quotas } from './plan.js'

/** Why the beliefs changed, in the words a person reads (S4). */
export type Cause =
  | { readonly kind: 'left'; readonly device: string }
  | { readonly kind: 'joined'; readonly device: string; readonly probe: number | null }
  | { readonly kind: 'measured'; readonly device: string }
  | { readonly kind: 'visit'; readonly device: string }
  | { readonly kind: 'look'; readonly device: string }
  | { readonly kind: 'measured-again'; readonly device: string }
  | { readonly kind: 'cap'; readonly device: string; readonly cap: number | undefined }
  | { readonly kind: 'jump'; readonly device: string; readonly factor: number }
  | { readonly kind: 'first' }
  | { readonly kind: 'gain' }

/** What a decision does to the step. */
export interface Effect {
  readonly quotas: Quotas
  readonly previous: Quotas | undefined
  readonly beforeMs: number | undefined
  readonly afterMs: number | undefined
}

export const noMeasurements = 'no measurements yet: even split'
export const evenPolicy = 'even split by policy'

/** More than so many devices are counted, not listed. */
const MOST_LISTED = 4

/** `cuda:0 is 2.0× slower than before: 48 → 26 samples; predicted step 93 → 71 ms` */
export function explainMove(causes: readonly Cause[], effect: Effect): string {
  const cause = listed(causes.map(nameCause))
  return [`${cause}: ${moves(causes, effect)}`, prediction(effect)].filter(Boolean).join('; ')
}

/** Why a split stands although it is not the best one known. */
export function explainRest(gain: number, needed: number): string {
  if (gain <= 0) return 'unchanged: no split is predicted to be faster'
  return `unchanged: the best split would gain ${percent(gain)}, a move needs ${percent(needed)}`
}

function nameCause(cause: Cause): string {
  switch (cause.kind) {
    case 'left':
      return `${cause.device} left`
    case 'joined':
      return cause.probe === null
        ? `${cause.device} joined`
        : `${cause.device} joined and is probed with ${cause.probe} samples`
    case 'measured':
      return `${cause.device} is measured`
    case 'visit':
      return `${cause.device} was too slow for long and is measured again`
    case 'look':
      return `${cause.device} was slow in its only time and is measured again`
    case 'measured-again':
      return `${cause.device} is measured again`
    case 'cap':
      return cause.cap === undefined
        ? `${cause.device} has no cap any more`
        : `${cause.device} may take ${cause.cap} samples at most`
    case 'jump':
      return cause.factor >= 1
        ? `${cause.device} is ${ratio(cause.factor)}× slower than before`
        : `${cause.device} is ${ratio(1 / cause.factor)}× faster than before`
    case 'first':
      return 'first measurements'
    case 'gain':
      return 'the measured speeds favour another split'
  }
}

/** Device by device; a single device that is the cause is not named twice. */
function moves(causes: readonly Cause[], { quotas, previous }: Effect): string {
  if (previous === undefined) return 'a new split'
  const names = [...new Set([...Object.keys(previous), ...Object.keys(quotas)])]
  const change = (name: string) => quotaOf(quotas, name) - quotaOf(previous, name)
  const probed = new Set(
    causes.flatMap((cause) =>
      cause.kind === 'joined' && cause.probe !== null ? [cause.device] : [],
    ),
  )
  const moved = names.filter(
    (name) => change(name) !== 0 && Object.hasOwn(quotas, name) && !probed.has(name),
  )
  if (moved.length === 0) return 'the split stays'

  const step = (name: string) => `${quotaOf(previous, name)} → ${quotaOf(quotas, name)}`
  const subject =
    causes.length === 1 && causes[0].kind !== 'joined' ? deviceOf(causes[0]) : undefined
  if (subject !== undefined && moved.includes(subject)) return `${step(subject)} samples`
  const largest = moved.toSorted((a, b) => Math.abs(change(b)) - Math.abs(change(a)))
  return listed(
    largest.map((name) => `${name} ${step(name)}`),
    ' samples',
  )
}

function deviceOf(cause: Cause): string | undefined {
  return 'device' in cause ? cause.device : undefined
}

function prediction({ beforeMs, afterMs }: Effect): string {
  if (afterMs === undefined) return ''
  if (beforeMs === undefined) return `predicted step ${milliseconds(afterMs)} ms`
  return `predicted step ${milliseconds(beforeMs)} → ${milliseconds(afterMs)} ms`
}

function listed(items: readonly string[], unit = ''): string {
  const more = items.length - MOST_LISTED
  const first = items.slice(0, MOST_LISTED).join(', ') + unit
  return more > 0 ? `${first} and ${more} more` : first
}

function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)))
}

function ratio(factor: number): string {
  return factor < 10 ? factor.toFixed(1) : factor.toFixed(0)
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)}%`
}
