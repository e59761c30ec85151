import type { AskOptions, MessageKind } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { Life } from './life.js'
import type { Letter } from './mail.js'
import type { Answer, Message, PlayerRef } from './protocol.js'
import type { Act, Errand, Limits } from './script.js'
import type { Witness } from './witness.js'

type Of<Do extends Act['do']> = Act & { do: Do }

/** What an asker may get; some of it only under conditions, see `#checkRefusal`. */
const refusals = [
  'ACTOR_FAILED',
  'ACTOR_RESTARTING',
  'ACTOR_STOPPED',
  'THREAD_EXITED',
  'PROCESS_EXITED',
  'ACTOR_QUARANTINED',
  'MAILBOX_FULL',
  'MESSAGE_DROPPED',
  'ASK_TIMEOUT',
  'ASK_ABORTED',
  'MESSAGE_NOT_CLONEABLE',
  'DATA_MISSING',
]

/** Sends as an actor, or as the test; and checks what comes back. */
export class Sender {
  readonly #witness: Witness
  readonly #name: string
  readonly #life: Life | undefined
  readonly #refOf: (number: number) => PlayerRef | undefined

  /** @param name the sender in the sense of A2 */
  constructor(
    witness: Witness,
    name: string,
    life: Life | undefined,
    refOf: (number: number) => PlayerRef | undefined,
  ) {
    this.#witness = witness
    this.#name = name
    this.#life = life
    this.#refOf = refOf
  }

  tell({ to, errand, times }: Of<'tell'>): void {
    const ref = this.#refOf(to)
    if (ref === undefined) return
    for (let i = 0; i < times; i++) {
      const letter = this.#send('tell', ref, errand)
      const before = this.#witness.mail.deadLetters
      const outcome = ref.tell.note(this.#message(letter, errand))
      if (this.#life === undefined) {
        this.#checkOutcome(letter, outcome, this.#witness.mail.deadLetters - before)
      }
    }
  }

  /**
   * Resolves with the answer, if there is one; never rejects.
   *
   * @param after called as soon as there is an answer
   */
  async ask(
    { to, errand, limits }: Of<'ask'>,
    after: (ref: PlayerRef) => void = () => undefined,
  ): Promise<Answer | undefined> {
    const ref = this.#refOf(to)
    if (ref === undefined) return undefined
    const { options, begin, end } = this.#options(limits)
    const letter = this.#send('ask', ref, errand, limits)
    const asked = ref.ask.query(this.#message(letter, errand), options)
    const promise = this.#expect(letter, asked)
    begin()
    try {
      const answer = await promise
      after(ref)
      this.#checkAnswer(letter, answer)
      return answer
    } catch (error) {
      this.#checkRefusal(letter, limits, options, error)
      return undefined
    } finally {
      end()
    }
  }

  /** Resolves when the flow has ended, or was broken off. */
  async consume({ to, errand, limits, credit, take }: Of<'consume'>): Promise<void> {
    const ref = this.#refOf(to)
    if (ref === undefined) return
    const { options, begin, end } = this.#options(limits)
    const letter = this.#send('flow', ref, errand, limits)
    const items = ref.flow.stream(this.#message(letter, errand), { ...options, credit })
    const promise = this.#expect(letter, this.#drain(letter, items, take))
    begin()
    try {
      await promise
    } catch (error) {
      this.#checkRefusal(letter, limits, options, error)
    } finally {
      end()
    }
  }

  async room({ to }: Of<'room'>): Promise<void> {
    const ref = this.#refOf(to)
    if (ref === undefined) return
    const what = `the wait for room at ${ref.path}`
    try {
      await this.#witness.expect(what, ref.room(), this.#life)
    } catch (error) {
      const gone = ['ACTOR_STOPPED', 'THREAD_EXITED', 'PROCESS_EXITED', 'ACTOR_QUARANTINED']
      this.#witness.checkCode(what, error, gone)
    }
  }

  async #drain(
    letter: Letter,
    items: AsyncIterable<number>,
    take: number = Infinity,
  ): Promise<void> {
    let expected = 0
    if (take === 0) {
      letter.unsent = true
      return
    }
    for await (const item of items) {
      if (item !== letter.id * 1000 + expected++) {
        this.#witness.violate('A3', `${this.#what(letter)} gave ${item} as item ${expected}`)
      }
      if (expected === take) break
    }
  }

  #send(kind: MessageKind, { path }: PlayerRef, errand: Errand, limits: Limits = {}): Letter {
    const { mail } = this.#witness
    const letter = mail.send(kind, this.#name, this.#life, path, errand.junk)
    if (limits.abort === 'before') letter.unsent = true
    return letter
  }

  #message(letter: Letter, errand: Errand): Message {
    const { deeds, refs, items = 0, itemMs = 0, junk } = errand
    return {
      id: letter.id,
      deeds,
      refs: refs.flatMap((number) => this.#refOf(number) ?? []),
      items,
      itemMs,
      junkAnswer: junk === 'answer',
      ...(junk === 'message' ? { junk: () => undefined } : {}),
    }
  }

  #expect<T>(letter: Letter, promise: Promise<T>): Promise<T> {
    return this.#witness.expect(this.#what(letter), promise, this.#life)
  }

  #what({ kind, id, from, to }: Letter): string {
    return `${kind} ${id} from ${from} to ${to}`
  }

  /** `begin` is called when it was asked: from then on it may be given up. */
  #options(limits: Limits): { options: AskOptions; begin: () => void; end: () => void } {
    const { timeoutMs, abort } = limits
    const options: AskOptions = timeoutMs === undefined ? {} : { timeoutMs }
    if (abort === undefined) return { options, begin: () => undefined, end: () => undefined }
    const controller = new AbortController()
    options.signal = controller.signal
    let cancel = (): void => undefined
    const { clock } = this.#life?.context ?? this.#witness.system
    const begin = (): void => {
      if (abort === 0) controller.abort()
      else if (typeof abort === 'number') cancel = clock.after(abort, () => controller.abort())
    }
    if (abort === 'before') controller.abort()
    return { options, begin, end: () => cancel() }
  }

  #checkOutcome(letter: Letter, outcome: string, deadLetters: number): void {
    const { mail, faults } = this.#witness
    const overflow = mail.overflowOf(letter.to)
    const expected = {
      queued: overflow === 'drop-oldest' ? 1 : 0,
      waiting: 0,
      dropped: 1,
      rejected: 1,
    }[outcome]
    const what = `${this.#what(letter)}: "${outcome}" with ${deadLetters} dead letters`
    if (deadLetters !== expected && !(outcome === 'queued' && deadLetters === 0)) {
      this.#witness.violate('A6', what)
    }
    if (outcome === 'waiting' && overflow !== 'wait') this.#witness.violate('A6', what)
    if (outcome === 'dropped' && overflow !== 'drop-newest' && !faults.has('dropNext')) {
      this.#witness.violate('A6', what)
    }
  }

  #checkAnswer(letter: Letter, answer: Answer): void {
    if (answer.id !== letter.id) {
      this.#witness.violate('A3', `${this.#what(letter)} got the answer to ${answer.id}`)
    }
    if (letter.state !== 'done' || letter.threw !== undefined) {
      this.#witness.violate('A3', `${this.#what(letter)} was answered, but not by its handler`)
    }
  }

  #checkRefusal(letter: Letter, limits: Limits, options: AskOptions, error: unknown): void {
    const what = this.#what(letter)
    this.#witness.checkCode(what, error, refusals)
    if (!(error instanceof KaitianError)) return
    letter.refused = error.code
    const problem = this.#improbable(letter, limits, options, error)
    if (problem === undefined) return
    this.#witness.violate('A3', `${what} failed with ${error.code}, but ${problem}`)
  }

  #improbable(
    letter: Letter,
    { timeoutMs }: Limits,
    { signal }: AskOptions,
    { code, fields }: KaitianError,
  ): string | undefined {
    const { mail, system, faults } = this.#witness
    const overflow = mail.overflowOf(letter.to)
    const waited = system.clock.now() - letter.at
    switch (code) {
      case 'ASK_TIMEOUT':
        return waited === timeoutMs ? undefined : `${waited} ms passed, of ${timeoutMs}`
      case 'ASK_ABORTED':
        return signal?.aborted === true ? undefined : 'nobody aborted it'
      case 'ACTOR_FAILED':
        // By its handler, or by something else while it was in hand.
        return letter.by !== undefined ? undefined : 'it was not handled'
      case 'DATA_MISSING':
        return letter.threw === 'answer' ? undefined : 'its handler gave no such answer'
      case 'MAILBOX_FULL': {
        const put = letter.aside === true || letter.deferred !== undefined
        const full = overflow === 'reject' || overflow === 'wait' || put
        return full ? undefined : `its policy is ${overflow}`
      }
      case 'MESSAGE_DROPPED':
        return overflow.startsWith('drop-') || faults.has('dropNext')
          ? undefined
          : 'nothing drops its messages'
      case 'MESSAGE_NOT_CLONEABLE':
        return letter.junk !== undefined ? undefined : 'it can be cloned'
      case 'ACTOR_STOPPED':
        // Or it was the asker's own thread that has ended.
        if (
          typeof letter.deferred === 'object' &&
          fields.reason === 'stopped' &&
          this.#life?.hasEnded !== true
        ) {
          return 'a stop waits for the answers that were deferred'
        }
        return typeof fields.reason === 'string' ? undefined : 'does not say why'
      case 'ACTOR_QUARANTINED':
        return this.#witness.stuck ? undefined : 'nothing hangs'
      default:
        return undefined
    }
  }
}
