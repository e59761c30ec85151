import type { Now } from './clock.js'
import type { Control } from './control.js'

/** How often it looks, at least, whether it was passed by, in ms. */
const PULSE_MS = 100

/**
 * Waits until every rank has marked the operation that is due, until `enough` says so, or until the
 * communicator is aborted. Aborts it when a rank has left before, or is late.
 */
export async function allMarked(
  control: Control,
  now: Now,
  wait: {
    readonly operation: 'bucket' | 'call'
    readonly sequence: number
    /** When it is late, by `now`. */
    readonly deadline: number
    readonly deadlineMs: number
  },
  enough: () => boolean = () => control.missing().length === 0,
): Promise<void> {
  const { operation, sequence, deadlineMs } = wait
  let { deadline } = wait
  while (!control.aborted) {
    const seen = control.bell
    if (enough()) return
    const missing = control.missing()
    // Looked at again after `hasLeft`: a rank may have marked and then left.
    const left = missing.filter((rank) => control.hasLeft(rank) && control.missing().includes(rank))
    const remaining = deadline - now()
    if (left.length > 0) {
      control.abort({ kind: 'left', operation, sequence, missing: left })
    } else if (remaining <= 0 && missing.length > 0) {
      const phase = 'arrive'
      control.abort({ kind: 'deadline', operation, sequence, missing, deadlineMs, phase })
    } else {
      const pulse = Math.min(Math.max(remaining, 1), PULSE_MS)
      const until = now() + pulse
      await control.sleep(seen, pulse)
      // While this thread was stopped, in a debugger or swapped out, nobody else had a turn.
      const late = now() - until
      if (late > PULSE_MS) deadline += late
    }
  }
}
