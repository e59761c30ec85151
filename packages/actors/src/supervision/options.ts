import { KaitianError } from '@kaitian/errors'
import type { Blueprint } from '../actor/incarnation.js'
import type {
  GroupOptions,
  KillOptions,
  MailboxOptions,
  RestartOptions,
  SpawnOptions,
  StopLimits,
  StopOptions,
} from '../api/context.js'
import {
  checkOptions,
  finiteMs,
  flag,
  limitMs,
  oneOf,
  positiveMs,
  problemIn,
  refusal,
  times,
  wholeFrom,
  type Rule,
  shapeOf,
} from '../checks.js'

export const defaultCapacity = 1024

/** A name, as one part of a path. */
export const word: Rule = {
  is: 'a word without "/"',
  fits: (name) => typeof name === 'string' && name !== '' && !name.includes('/'),
}

const placement: Rule = {
  is: '"inline", { thread: URL of the module } or { process: URL }',
  fits: (on) => {
    if (on === 'inline') return true
    if (typeof on !== 'object' || on === null) return false
    const [[where, module] = [], ...more] = Object.entries(on)
    return (where === 'thread' || where === 'process') && module instanceof URL && more.length === 0
  },
}

const restart = shapeOf<RestartOptions>({
  max: times,
  withinMs: positiveMs,
  backoffMs: finiteMs,
  maxBackoffMs: limitMs,
})

const spawnShape = shapeOf<SpawnOptions>({
  name: word,
  on: placement,
  mailbox: shapeOf<MailboxOptions>({
    capacity: wholeFrom(1),
    overflow: oneOf(['reject', 'drop-oldest', 'drop-newest', 'wait']),
  }),
  restart,
  stop: shapeOf<StopLimits>({ timeoutMs: limitMs, abortMs: limitMs, exitMs: limitMs }),
})

const groupShape = shapeOf<GroupOptions>({
  name: word,
  strategy: oneOf(['one-for-one', 'one-for-all', 'rest-for-one']),
  restart,
})

const stopShape = shapeOf<StopOptions>({ timeoutMs: limitMs, drain: flag })
const killShape = shapeOf<KillOptions>({ restart: flag })

const stopLimits = { timeoutMs: 5000, abortMs: 1000, exitMs: 2000 } satisfies StopLimits

/** Of one phase of a stop, as it was declared or not. */
export function stopLimit(declared: StopLimits | undefined, phase: keyof StopLimits): number {
  return declared?.[phase] ?? stopLimits[phase]
}

/** Refuses what cannot be meant, before anything is started. */
export function checkSpawn(parent: string, { actor }: Blueprint, options: SpawnOptions): void {
  const protocol: unknown = typeof actor === 'function' ? actor.protocol : undefined
  if (typeof protocol !== 'object' || protocol === null) {
    throw wanting(cannotSpawn(parent), parent, 'the actor is a class with a static `protocol`')
  }
  checkSpawnOptions(parent, options)
}

export function checkSpawnOptions(parent: string, options: SpawnOptions): void {
  const problem = problemIn(options, spawnShape)
  if (problem !== undefined) throw refusal(cannotSpawn(parent), problem)
  if (options.restart !== undefined) checkRestart(cannotSpawn(parent), parent, options.restart)
}

/** Refuses a group that cannot be meant. */
export function checkGroup(parent: string, options: GroupOptions): void {
  const call = `Cannot make a group below ${parent}`
  checkOptions(call, options, groupShape)
  if (options.strategy === undefined || options.restart === undefined) {
    throw wanting(call, parent, 'it wants a strategy and restart: { max, withinMs }')
  }
  checkRestart(call, parent, options.restart)
}

export function checkStop(path: string, options: unknown): void {
  const problem = problemIn(options, stopShape)
  if (problem !== undefined) throw refusal(`stop of ${path}`, problem)
}

export function checkKill(path: string, options: unknown): void {
  const problem = problemIn(options, killShape)
  if (problem !== undefined) throw refusal(`kill of ${path}`, problem)
}

function checkRestart(call: string, parent: string, given: RestartOptions): void {
  if (given.max !== undefined && given.withinMs !== undefined) return
  throw wanting(call, parent, 'restart wants max and withinMs')
}

function cannotSpawn(parent: string): string {
  return `Cannot spawn below ${parent}`
}

function wanting(call: string, path: string, rule: string): KaitianError {
  return new KaitianError('BAD_ARGUMENT', `${call}: ${rule}`, { fields: { path } })
}
