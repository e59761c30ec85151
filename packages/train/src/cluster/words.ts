import { KaitianError } from '@kaitian/errors'
import type { Plan } from '../step/plan.js'
import type { Effect } from '../step/transition.js'

/** Epochs and steps are counted from 1 for people. */
export function restartMessage(cause: string, cut: Plan | undefined, devices: number): string {
  const what =
    cut === undefined
      ? 'no step was under way'
      : `step ${cut.step + 1} of epoch ${cut.epoch + 1} starts again`
  return `${cause.replace(/\.$/, '')}; ${what} with ${devices} ${devices === 1 ? 'device' : 'devices'}`
}

/** The error that a run ends with; none when it was asked to stop. */
export function endError({
  code,
  cause,
}: Extract<Effect, { kind: 'end' }>): KaitianError | undefined {
  return code === undefined ? undefined : new KaitianError(code, cause)
}
