import type { DeadLetter, DeferredAnswer, MessageKind, Overflow } from '@kaitian/actors'
import type { Life } from './life.js'
import type { Answer } from './protocol.js'
import type { Errand } from './script.js'
import type { Witness } from './witness.js'

/** One message, from its sending on. */
export interface Letter {
  readonly id: number
  readonly kind: MessageKind
  readonly from: string
  /** The life that has sent it; undefined when that is the test itself. */
  readonly sender: Life | undefined
  readonly to: string
  /** Among those from there to there. */
  readonly order: number
  /** When, on the virtual clock. */
  readonly at: number
  /** It, or the answer to it, holds what cannot be cloned. */
  readonly junk: Errand['junk']
  state: 'sent' | 'in hand' | 'aside' | 'deferred' | 'done'
  /** Of the life that has it in hand. */
  by?: string
  /** It was put aside, or that was tried. */
  aside?: boolean
  /** It was put aside, and its handler has caught what that throws. */
  swallowed?: boolean
  /** Its answer was deferred, or that was tried. */
  deferred?: DeferredAnswer<Answer> | 'refused'
  /** Nothing was sent: the asker had given up before. */
  unsent?: boolean
  threw?: 'answer' | 'fault'
  /** The code of the error that the asker got. */
  refused?: string
}

/** Every message of a run: who handled it, in which order, and what was lost. */
export class Mail {
  readonly letters: Letter[] = []
  readonly #witness: Witness
  /** The last order number, and the last that arrived, by sender and receiver. */
  readonly #sent = new Map<string, number>()
  readonly #arrived = new Map<string, number>()
  /** As the events told. */
  deadLetters = 0
  /** Paths of several actors, one after the other: an old ref does not reach the new one. */
  readonly successors = new Set<string>()
  readonly #overflows = new Map<string, Overflow>()

  constructor(witness: Witness) {
    this.#witness = witness
  }

  /** What an actor that is being spawned is to do with one message too many. */
  declare(path: string, overflow: Overflow | undefined): void {
    if (this.#overflows.has(path)) this.successors.add(path)
    this.#overflows.set(path, overflow ?? 'reject')
  }

  overflowOf(path: string): Overflow {
    return this.#overflows.get(path) ?? 'reject'
  }

  send(
    kind: MessageKind,
    from: string,
    sender: Life | undefined,
    to: string,
    junk: Errand['junk'],
  ): Letter {
    const way = `${from} → ${to}`
    const order = (this.#sent.get(way) ?? 0) + 1
    this.#sent.set(way, order)
    const id = this.letters.length
    const at = this.#witness.system.clock.now()
    const letter: Letter = { id, kind, from, sender, to, order, at, junk, state: 'sent' }
    this.letters.push(letter)
    return letter
  }

  /** A2, and that none is handled twice. */
  handle(id: number, path: string, by: string): Letter {
    const letter = this.letters[id]
    const { from, to, order, state } = letter
    const what = `${letter.kind} ${id} from ${from}`
    if (to !== path) this.#witness.violate('A2', `${what} to ${to} came to ${path}`)
    if (state !== 'sent' && state !== 'aside') {
      this.#witness.violate('A4', `${what} was handled twice, by ${letter.by} and ${by}`)
    }
    const way = `${from} → ${to}`
    if (state === 'sent') {
      const last = this.#arrived.get(way) ?? 0
      if (order <= last) this.#witness.violate('A2', `${what}: ${order} came after ${last}`)
      this.#arrived.set(way, order)
    }
    letter.state = 'in hand'
    letter.swallowed = false
    letter.by = by
    return letter
  }

  dead(letter: DeadLetter): void {
    this.deadLetters += letter.count
    const problem = this.#improbable(letter)
    if (problem !== undefined) {
      this.#witness.violate('A4', `${letter.to}: a dead letter, ${letter.reason}, but ${problem}`)
    }
  }

  #improbable({ to, reason, message }: DeadLetter): string | undefined {
    const { faults } = this.#witness
    switch (reason) {
      case 'mailbox-full':
        return ['reject', 'wait'].includes(this.overflowOf(to))
          ? undefined
          : 'its overflow policy is another one'
      case 'dropped':
        return this.overflowOf(to).startsWith('drop-') || faults.has('dropNext')
          ? undefined
          : 'nothing drops its messages'
      case 'not-cloneable':
        return this.letters.some((letter) => letter.junk === 'message' && letter.to === to)
          ? undefined
          : 'all that was sent to it can be cloned'
      case 'quarantined':
        return this.#witness.stuck ? undefined : 'nothing hangs'
      case 'invalid':
      case 'unknown-message':
        return `"${message}" is a valid message`
      default:
        return undefined
    }
  }
}
