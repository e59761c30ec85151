import { KaitianError } from '@kaitian/errors'
import type { SpawnOptions } from '../api/context.js'
import type { Blueprint } from '../actor/incarnation.js'

export const defaultCapacity = 1024

/** Refuses what cannot be meant, before anything is started. */
export function checkSpawn(path: string, blueprint: Blueprint, options: SpawnOptions): void {
  const { actor } = blueprint
  if (typeof actor !== 'function' || typeof actor.protocol !== 'object') {
    throw refusal(path, 'the actor is a class with a static `protocol`')
  }
  const { on, mailbox, restart } = options
  if (on !== undefined && on !== 'inline' && !(on.thread instanceof URL)) {
    throw refusal(path, 'a placement is "inline" or { thread: URL of the module }')
  }
  const { capacity, overflow } = mailbox ?? {}
  if (capacity !== undefined && (!Number.isSafeInteger(capacity) || capacity < 1)) {
    throw refusal(path, `mailbox.capacity is a whole number of at least 1, not ${capacity}`)
  }
  if (overflow !== undefined && overflow !== 'reject') {
    throw refusal(path, `the one overflow policy is "reject", not "${String(overflow)}"`)
  }
  if (restart === undefined) return
  const { max, withinMs, backoffMs = 0 } = restart
  if (!Number.isSafeInteger(max) || max < 0 || !(withinMs > 0) || !(backoffMs >= 0)) {
    throw refusal(path, 'restart wants max ≥ 0 (whole), withinMs > 0 and backoffMs ≥ 0')
  }
}

function refusal(path: string, rule: string): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `Cannot spawn ${path}: ${rule}`, { fields: { path } })
}
