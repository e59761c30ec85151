import {
  createSystem,
  type Down,
  type ActorRef,
  type Placement,
  type System,
} from '@kaitian/actors'
import { KaitianError, type ErrorCode } from '@kaitian/errors'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'

export const probeModule = new URL('./fixtures/probe.js', import.meta.url)

/** The same suite runs with the actor in this thread and on one of its own. */
export const placements: readonly [string, Placement][] = [
  ['inline', 'inline'],
  ['thread', { thread: probeModule }],
]

type Body = (system: System) => Promise<void>

/** A test with a system of its own, which is disposed of also when it fails. */
export function withSystem(body: Body, make: () => System = createSystem): () => Promise<void> {
  return async () => {
    const system = make()
    try {
      await body(system)
    } finally {
      await system.dispose({ timeoutMs: 60_000 })
    }
  }
}

/** What it rejects with, which is a KaitianError of this code. */
export async function rejection(promise: Promise<unknown>, code: ErrorCode): Promise<KaitianError> {
  const error: unknown = await promise.then(
    (value) => assert.unreachable(`resolved with ${String(value)}, not rejected with ${code}`),
    (reason: unknown) => reason,
  )
  assert.instance(error, KaitianError)
  const kaitianError = error as KaitianError
  assert.is(kaitianError.code, code, kaitianError.message)
  return kaitianError
}

export function downOf(system: System, ref: ActorRef): Promise<Down> {
  return new Promise((resolve) => system.watch(ref, resolve))
}

/** The next event of that name. */
export function nextEvent(
  system: System,
  name: 'restarted' | 'failed' | 'stopped' | 'dead-letter',
): Promise<unknown> {
  return new Promise((resolve) => system.events.once(name, resolve))
}

/** Turns of the event loop in which it is looked again and again, for what comes about at once. */
const eagerTurns = 100

/**
 * Repeats `attempt` until it is true; the runner gives up a wait in vain. Who went on to look in
 * every turn would take the processor from those that it waits for.
 */
export async function eventually(attempt: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await attempt()); turn++) {
    if (turn < eagerTurns) await new Promise((resolve) => setImmediate(resolve))
    else await sleep(1)
  }
}
