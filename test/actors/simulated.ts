import type { ActorRef, ActorSnapshot, DeadLetter } from '@kaitian/actors'
import { testSystem, type TestSystem } from '@kaitian/actors/testing'
import type { KaitianError } from '@kaitian/errors'
import * as assert from 'uvu/assert'
import { withSystem } from './support.js'

/** A test on a test system of its own, with seed 1 unless told. */
export function simulated(
  body: (system: TestSystem) => Promise<void>,
  options: { seed?: number; maxTurns?: number } = {},
): () => Promise<void> {
  return withSystem(
    (system) => body(system as TestSystem),
    () => testSystem({ seed: 1, ...options }),
  )
}

/** What came of a promise so far: reading it does not wait for it. */
export function outcomeOf<T>(promise: Promise<T>): { value?: T; code?: string } {
  const outcome: { value?: T; code?: string } = {}
  promise.then(
    (value) => (outcome.value = value),
    (error: KaitianError) => (outcome.code = error.code),
  )
  return outcome
}

/** The lines of the trace about one actor. */
export function linesOf({ trace }: TestSystem, { path }: ActorRef): string[] {
  return trace.filter((entry) => entry.path === path).map(({ at, what }) => `${at} ${what}`)
}

export async function snapshotOf(system: TestSystem, { path }: ActorRef): Promise<ActorSnapshot> {
  const { children } = await system.snapshot()
  const found = children.find((child) => child.path === path)
  assert.ok(found, `${path} is not in the snapshot`)
  return found
}

/** Message and reason of each dead letter, from now on. */
export function deadLettersOf(system: TestSystem): string[] {
  const letters: string[] = []
  system.events.on('dead-letter', ({ message, reason }: DeadLetter) => {
    letters.push(`${message}: ${reason}`)
  })
  return letters
}

/** What `call` throws, which is a `BAD_ARGUMENT`. */
export function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    assert.is((error as KaitianError).code, 'BAD_ARGUMENT', String(error))
    return (error as Error).message
  }
  return assert.unreachable('not refused') as never
}
