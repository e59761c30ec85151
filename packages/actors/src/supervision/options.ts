import { KaitianError } from '@kaitian/errors'
import type { GroupOptions, RestartOptions, SpawnOptions, StopLimits } from '../api/context.js'
import type { Blueprint } from '../actor/incarnation.js'

export const defaultCapacity = 1024

/** Refuses what cannot be meant, before anything is started. */
export function checkSpawn(path: string, blueprint: Blueprint, options: SpawnOptions): void {
  const { actor } = blueprint
  if (typeof actor !== 'function' || typeof actor.protocol !== 'object') {
    throw refusal(path, 'the actor is a class with a static `protocol`')
  }
  const { on, mailbox, restart, stop } = options
  if (!isPlacement(on)) {
    throw refusal(
      path,
      'a placement is "inline", { thread: URL of the module } or { process: URL }',
    )
  }
  const { capacity, overflow } = mailbox ?? {}
  if (capacity !== undefined && (!Number.isSafeInteger(capacity) || capacity < 1)) {
    throw refusal(path, `mailbox.capacity is a whole number of at least 1, not ${capacity}`)
  }
  if (overflow !== undefined && !overflows.includes(overflow)) {
    throw refusal(path, `an overflow policy is one of ${overflows.join(', ')}, not "${overflow}"`)
  }
  checkRestart(path, restart)
  const { timeoutMs = 0, abortMs = 0, exitMs = 0 } = stop ?? ({} satisfies StopLimits)
  for (const limit of [timeoutMs, abortMs, exitMs]) {
    if (!(limit >= 0)) throw refusal(path, 'the limits of stop are numbers of milliseconds ≥ 0')
  }
}

/** Refuses a group that cannot be meant. */
export function checkGroup(path: string, { strategy, restart }: GroupOptions): void {
  if (!strategies.includes(strategy)) {
    throw refusal(path, `a strategy is one of ${strategies.join(', ')}, not "${strategy}"`)
  }
  if (restart === undefined) throw refusal(path, 'a group wants restart: { max, withinMs }')
  checkRestart(path, restart)
}

const overflows = ['reject', 'drop-oldest', 'drop-newest', 'wait']
const strategies = ['one-for-one', 'one-for-all', 'rest-for-one']

function isPlacement(on: SpawnOptions['on']): boolean {
  if (on === undefined || on === 'inline') return true
  if (typeof on !== 'object' || on === null) return false
  return ('thread' in on ? on.thread : on.process) instanceof URL
}

function checkRestart(path: string, restart: RestartOptions | undefined): void {
  if (restart === undefined) return
  const { max, withinMs, backoffMs = 0, maxBackoffMs = Infinity } = restart
  const fits = (max === Infinity || Number.isSafeInteger(max)) && max >= 0
  if (!fits || !(withinMs > 0) || !(backoffMs >= 0) || !(maxBackoffMs >= 0)) {
    throw refusal(path, 'restart wants max ≥ 0 (whole), withinMs > 0 and backoffMs ≥ 0')
  }
}

function refusal(path: string, rule: string): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `Cannot spawn ${path}: ${rule}`, { fields: { path } })
}
