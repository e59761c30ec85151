import type { Clock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'

export interface SilenceOptions {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly deadlineMs: number
  /** Groups of which something is still awaited; never empty while it is watched. */
  readonly awaited: () => readonly string[]
  /** When the group was last heard of, in the clock's milliseconds. */
  readonly heard: (group: string) => number
  /** Called once, with those that have been silent too long. */
  readonly onSilent: (groups: readonly string[]) => void
}

/**
 * Silence is what fails, not slowness: the limit counts from a link's last byte,
 * since a large exchange, or one that queues behind another, may well take
 * longer than the deadline. Returns what ends the watch.
 */
export function watchSilence(options: SilenceOptions): () => void {
  const { clock, deadlineMs, awaited, heard, onSilent } = options
  const look = (): void => {
    const limit = clock.now() - deadlineMs
    const groups = awaited()
    const silent = groups.filter((group) => heard(group) <= limit)
    if (silent.length > 0) onSilent(silent)
    else cancel = clock.after(Math.min(...groups.map(heard)) - limit, look)
  }
  let cancel = clock.after(deadlineMs, look)
  return () => cancel()
}

export function silence(
  groups: readonly string[],
  sequence: number,
  deadlineMs: number,
): KaitianError {
  const names = groups.map((group) => `"${group}"`).join(', ')
  return new KaitianError(
    'DEADLINE_EXCEEDED',
    `Nothing came from group ${names} for ${deadlineMs} ms while exchange ${sequence} waited for it; ` +
      'check that it still runs, or raise the deadline.',
    { fields: { groups, sequence, deadlineMs } },
  )
}
