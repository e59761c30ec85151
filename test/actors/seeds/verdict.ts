import type { Accounts, ActorSnapshot } from '@kaitian/actors'
import type { TestSystem } from '@kaitian/actors/testing'
import type { Witness } from './witness.js'

/** All actors and groups of a snapshot. */
function* everyone(snapshot: ActorSnapshot): Generator<ActorSnapshot> {
  yield snapshot
  for (const child of snapshot.children) yield* everyone(child)
}

/** A6: no mailbox holds more than was declared. */
export async function checkBounds(witness: Witness, system: TestSystem): Promise<void> {
  await checkInFlight(witness, system)
  const snapshot = await witness.expect('a snapshot', advancing(system, system.snapshot()))
  for (const { path, mailbox } of everyone(snapshot)) {
    if (mailbox === undefined) continue
    const { depth, stashed, deferred, capacity } = mailbox
    // What was put aside comes on top when it is taken out again.
    const most = (witness.mail.overflowOf(path) === 'wait' ? 3 : 2) * capacity
    const unstashed = witness.mail.letters.some(({ to, aside }) => to === path && aside === true)
    const bound = unstashed ? most : most - capacity
    if (depth > bound || stashed > capacity || deferred > capacity) {
      const beside = `${stashed} aside and ${deferred} deferred`
      witness.violate('A6', `${path} holds ${depth}, ${beside}, of ${capacity}`)
    }
  }
}

/** A4, at any time. A thread that hangs, or is stalled, does not tell. */
async function checkInFlight(witness: Witness, system: TestSystem): Promise<void> {
  if (witness.stuck || witness.faults.has('stall')) return
  const { inFlight } = await witness.expect('accounts', advancing(system, system.accounts()))
  witness.look()
  if (inFlight < 0 && witness.deaths === 0) witness.violate('A4', `${inFlight} are in flight`)
}

/** A4, when nothing happens any more, and nothing is held up by a fault. */
export async function checkAccounts(witness: Witness, system: TestSystem): Promise<void> {
  const accounts = await system.accounts()
  const snapshot = await system.snapshot()
  witness.look()
  const { letters } = witness.mail
  const told = `${JSON.stringify(accounts)}, ${witness.mail.deadLetters} dead letters`
  const { sent, handled, deadLettered, inFlight } = accounts
  if (sent !== handled + deadLettered + inFlight || inFlight < 0) {
    witness.violate('A4', `the books do not balance: ${told}`)
  }
  checkDeferred(witness, snapshot)
  const held = heldBack(snapshot)
  // Not those whose consumer's thread has ended: for its books that was their outcome. Seed 6500.
  const open = letters.filter(
    ({ kind, state, by, sender }) =>
      kind === 'flow' && state === 'in hand' && !witness.isOver(by) && sender?.lost !== true,
  ).length
  if (held === 0 && inFlight !== open && witness.deaths === 0) {
    witness.violate('A4', `at rest, with ${open} flows open: ${told}`)
  }
  if (held === 0 && inFlight > open) {
    const unsettled = witness.unsettled.join('; ')
    witness.violate('A4', `${inFlight} are in flight at rest; not settled: ${unsettled}`)
  }
  if (witness.deaths > 0) return
  const count = letters.filter(({ unsent }) => unsent !== true).length
  if (sent !== count) witness.violate('A4', `${count} were sent: ${told}`)
  if (deadLettered !== witness.mail.deadLetters) {
    witness.violate('A4', `the events tell of other dead letters: ${told}`)
  }
  checkHandled(witness, accounts, held)
}

/**
 * Answers that are still to be given, as the runtime and as the actors see it. Whoever asked from a
 * thread that has ended waits for none.
 */
function checkDeferred(witness: Witness, snapshot: ActorSnapshot): void {
  const open = witness.mail.letters.filter(
    ({ state, deferred, refused, by, sender }) =>
      (state === 'deferred' || (state === 'in hand' && typeof deferred === 'object')) &&
      refused === undefined &&
      sender?.lost !== true &&
      !witness.isOver(by),
  )
  for (const { path, mailbox } of everyone(snapshot)) {
    if (mailbox === undefined || witness.mail.successors.has(path)) continue
    const expected = open.filter(({ to }) => to === path).length
    if (mailbox.deferred === expected) continue
    witness.violate('A3', `${path} has ${mailbox.deferred} answers to give, not ${expected}`)
  }
}

/** How many messages were really handled. */
function checkHandled(witness: Witness, { handled }: Accounts, held: number): void {
  const { letters } = witness.mail
  const entered = letters.filter(({ by }) => by !== undefined).length
  if (handled > entered) witness.violate('A4', `${handled} handled, but only ${entered} in hand`)
  // Of those that were let go of, it is not known here which.
  if (held > 0 || witness.letGo) return
  const asked = letters.filter(({ kind, state }) => kind !== 'flow' && state === 'done')
  // Whether such an answer was given before the asker left, or the incarnation ended, is not known here.
  const unsure = asked.filter(
    ({ deferred, refused }) => deferred !== undefined && refused !== undefined,
  )
  const done = asked.length - unsure.length
  const flows = letters.filter(({ kind, by }) => kind === 'flow' && by !== undefined).length
  const least = witness.goodEnds > 0 ? 0 : done
  if (handled < least || handled > done + unsure.length + flows) {
    witness.violate('A4', `${handled} handled, but ${done} done and ${flows} flows opened`)
  }
}

/** Messages that wait, are aside, whose handler has not returned, or whose answer is still to be given. */
function heldBack(snapshot: ActorSnapshot): number {
  let held = 0
  for (const { mailbox, inHand, state } of everyone(snapshot)) {
    const { depth = 0, stashed = 0, deferred = 0 } = mailbox ?? {}
    held += depth + stashed + deferred + (inHand === undefined ? 0 : 1)
    if (state === 'unresponsive') held++
  }
  return held
}

/** A snapshot of a thread that is stuck takes time. */
async function advancing<T>(system: TestSystem, promise: Promise<T>): Promise<T> {
  let over = false
  const settled = (): void => {
    over = true
  }
  promise.then(settled, settled)
  // oxlint-disable-next-line no-unmodified-loop-condition -- `settled` sets it
  for (let i = 0; i < 10 && !over; i++) await system.settle()
  if (!over) await system.advance(500)
  return promise
}

/** Who was there, and idle, when called, but could not be reached. */
export async function checkReached(
  witness: Witness,
  system: TestSystem,
  from: number,
): Promise<void> {
  const idle = new Set<string>()
  for (const { path, state } of everyone(await system.snapshot())) {
    if (state === 'idle') idle.add(path)
  }
  const full = ['MAILBOX_FULL', 'MESSAGE_DROPPED']
  for (const { id, from: asker, to, refused } of witness.mail.letters.slice(from)) {
    if (refused === undefined || full.includes(refused)) continue
    if (!idle.has(to) || witness.mail.successors.has(to)) continue
    witness.violate('A3', `ask ${id} from ${asker} to ${to}, which is idle, failed with ${refused}`)
  }
}

/** A3 and A7, when all is over. */
export function checkOver(witness: Witness, system: TestSystem): void {
  for (const what of witness.unsettled) witness.violate('A3', `${what} does not settle`)
  const { pending } = system.clock
  // What a thread that does not end has started waits for it.
  if (pending !== witness.sleeping && !witness.stuck) {
    witness.violate(
      'A7',
      `${pending} timers are left, of which ${witness.sleeping} are the actors'`,
    )
  }
  for (const life of witness.all) {
    if (!life.hasEnded) witness.violate('A7', `${life.name} lives on`)
    if (life.owes.length > 0 && !life.lingers) {
      witness.violate('A7', `${life.name} has not disposed of what it owned`)
    }
  }
}

/** A7: when all time has passed, only what hangs behind a disposal without end is left. */
export function checkDisposed(witness: Witness): void {
  for (const { name, owes } of witness.all) {
    const stuck = owes.findLastIndex(({ holds }) => holds)
    if (owes.length > stuck + 1) witness.violate('A7', `${name} never disposed of what it owned`)
  }
}
