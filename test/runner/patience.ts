/**
 * When a program that is run has to be given up: limits are for hangs, so they follow its progress
 * and not the wall clock. A machine that is slow, crowded or asleep for a while costs time only.
 *
 * Progress is what a program prints, and, for a while, processor time that it uses. What only wakes
 * up now and then, such as a heartbeat or a loop that asks again and again, counts as neither.
 */

/** A look at a program and all processes that it has started. */
export interface Sample {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: number
  /** Characters printed until now. */
  readonly printed: number
  /** Processor time used until now, in ms; undefined where the machine does not tell. */
  readonly cpuMs: number | undefined
  /** Somebody has stopped it (SIGSTOP, a debugger): that is no hang. */
  readonly stopped: boolean
  /** The part of a processor that the machine can give to one more thread. */
  readonly share: number
}

/** What has been seen until now. */
export interface Vigil {
  readonly last: Sample
  /** Since it began: its share of the time. */
  readonly totalMs: number
  /** Processor time since it printed something. */
  readonly busyMs: number
  /** A span of time in which it printed nothing, not longer than it may be idle. */
  readonly span: Span
}

interface Span {
  readonly ms: number
  /** The program's share of it. */
  readonly shareMs: number
  /** What it used of that. */
  readonly usedMs: number
}

export interface Limits {
  readonly idleMs: number
  readonly busyMs: number
  readonly totalMs: number
}

/** How often to look. Longer than two of these nothing can have been watched, so it does not count. */
export const LOOK_MS = 1000

/**
 * For a program that is at its work. No test waits idly for half a minute, nor computes for one and
 * a half, on a quiet machine; the slowest file takes some minutes. Ten times that.
 */
export const AT_WORK: Limits = { idleMs: 5 * 60_000, busyMs: 15 * 60_000, totalMs: 60 * 60_000 }

/** For what compiles, which takes as long as it takes. */
export const UNHURRIED: Limits = { ...AT_WORK, totalMs: Infinity }

/** For a test file that has printed its totals and should end now. */
export const AT_ITS_END: Limits = { idleMs: 10_000, busyMs: 30_000, totalMs: 10 * 60_000 }

/** Of its share of the processors: who uses less does nothing but wait. */
const LEAST_USE = 0.2

const NO_SPAN: Span = { ms: 0, shareMs: 0, usedMs: 0 }

export function beginVigil(sample: Sample): Vigil {
  return { last: sample, totalMs: 0, busyMs: 0, span: NO_SPAN }
}

export function continueVigil(
  { last, totalMs, busyMs, span }: Vigil,
  sample: Sample,
  { idleMs }: Limits,
): Vigil {
  if (sample.stopped) return { last: sample, totalMs, busyMs, span }
  const elapsed = Math.min(sample.now - last.now, 2 * LOOK_MS)
  const shareMs = elapsed * sample.share
  const total = totalMs + shareMs
  if (sample.printed > last.printed) {
    return { last: sample, totalMs: total, busyMs: 0, span: NO_SPAN }
  }
  const usedMs = usedBetween(last, sample, elapsed)
  // A whole span is looked at, as a crowded machine lets a program run now and then, but then well.
  const before = span.ms >= idleMs ? NO_SPAN : span
  return {
    last: sample,
    totalMs: total,
    busyMs: busyMs + usedMs,
    span: {
      ms: before.ms + elapsed,
      shareMs: before.shareMs + shareMs,
      usedMs: before.usedMs + usedMs,
    },
  }
}

/** Where nothing is known it may have computed all the time. */
function usedBetween(last: Sample, { cpuMs }: Sample, elapsed: number): number {
  if (cpuMs === undefined || last.cpuMs === undefined) return elapsed
  // The time of a process that ended unseen is missing in the next look.
  return Math.max(0, cpuMs - last.cpuMs)
}

/** Why it has to be given up; undefined while it may go on. */
export function reasonToGiveUp(
  { totalMs, busyMs, span }: Vigil,
  limits: Limits,
): string | undefined {
  if (span.ms >= limits.idleMs && span.usedMs < LEAST_USE * span.shareMs) {
    return `printed nothing and did next to nothing for ${words(span.ms)}`
  }
  if (busyMs >= limits.busyMs) {
    return `printed nothing during ${words(busyMs)} of processor time`
  }
  if (totalMs >= limits.totalMs) return `took more than ${words(limits.totalMs)}`
  return undefined
}

/** `45 s`, `5 min 12 s`. */
export function words(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds} s`
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
}
