import type { SpawnOptions, System } from '@kaitian/actors'
import * as assert from 'uvu/assert'
import { Guest, type GuestRef } from './guest.js'

export function restarted(system: System): Promise<unknown> {
  return new Promise((resolve) => system.events.once('restarted', resolve))
}

export async function refused(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => assert.unreachable('was not refused'),
    () => undefined,
  )
}

/** What both sides of a message may leave behind. */
export async function talk(guest: GuestRef): Promise<void> {
  guest.tell.note()
  guest.tell.noteSignal()
  await guest.ask.hi(undefined, { timeoutMs: 60_000, signal: new AbortController().signal })
  const abort = new AbortController()
  const given = refused(guest.ask.untilGivenUp(undefined, { signal: abort.signal }))
  abort.abort()
  await given
  for await (const _ of guest.flow.count(3));
  for await (const _ of guest.flow.count(100)) break
  await guest.room()
}

/** From its start to the refusal of what comes too late. */
export async function live(
  system: System,
  options: SpawnOptions,
  end: (guest: GuestRef) => Promise<void>,
): Promise<void> {
  const guest = await system.spawn(Guest, undefined, options)
  system.watch(guest, () => undefined)
  system.watch(guest, () => undefined)()
  guest.tell.note()
  await guest.ask.hi()
  await end(guest)
  system.watch(guest, () => undefined)
  guest.tell.note()
}
