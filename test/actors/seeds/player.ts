import type { ActorRef, Context, DeferredAnswer, Handlers } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { perform, type Doer } from './deeds.js'
import type { Life } from './life.js'
import type { Letter } from './mail.js'
import { PlayerProtocol, type Answer, type Message, type PlayerRef, type Role } from './protocol.js'
import type { Deed } from './script.js'
import { Sender } from './sender.js'
import { Witness } from './witness.js'

type Answered = Answer | DeferredAnswer<Answer>
type PlayerContext = Context<typeof PlayerProtocol>

/** Does what it is told, and writes down what happens to it. */
export class Player implements Handlers<typeof PlayerProtocol> {
  static readonly protocol = PlayerProtocol
  readonly #role: Role
  readonly #witness: Witness
  readonly #life: Life
  readonly #sender: Sender
  /** Refs that came in messages, and children. */
  readonly #known: PlayerRef[] = []

  constructor(role: Role) {
    this.#role = role
    this.#witness = Witness.of(role.run)
    this.#life = this.#witness.begin(role.path, role.child.stop?.exitMs ?? 2000)
    this.#sender = new Sender(this.#witness, role.path, this.#life, (number) =>
      this.#known.length === 0 ? undefined : this.#known[number % this.#known.length],
    )
    for (const ref of role.refs) this.#learn(ref)
    if (!role.child.fails.constructor.includes(this.#life.number)) return
    this.#life.stillborn = true
    throw new Error('fails in its constructor')
  }

  start(ctx: PlayerContext): void | Promise<void> {
    this.#life.context = ctx as Context
    return this.#turn('start', ctx, this.#role.child.atStart, () => this.#failIn('start'))
  }

  stop(ctx: PlayerContext): void | Promise<void> {
    return this.#turn('stop', ctx, this.#role.child.atStop, () => this.#failIn('stop'))
  }

  note(message: Message, ctx: PlayerContext): void | Promise<void> {
    return this.#handle(message, ctx, () => undefined)
  }

  query(message: Message, ctx: PlayerContext): Answered | Promise<Answered> {
    const refs: ActorRef[] = []
    return this.#handle(message, ctx, () => answerTo(message, refs), refs)
  }

  stream(message: Message, ctx: PlayerContext): AsyncIterable<number> {
    const letter = this.#receive(message)
    return this.#life.turn(`stream ${message.id}`, () => this.#items(message, letter, ctx))
  }

  /** No turn: runs beside the handlers. */
  async *#items(message: Message, letter: Letter, ctx: PlayerContext): AsyncGenerator<number> {
    try {
      for (let i = 0; i < message.items; i++) {
        if (message.itemMs > 0) await this.#alive(ctx.clock.sleep(message.itemMs, ctx.signal))
        yield letter.id * 1000 + i
      }
      await perform(message.deeds, this.#doer(ctx, message.id))
    } catch (error) {
      // Its incarnation ended, and it gave up by itself.
      if (error instanceof KaitianError && error.code === 'CANCELLED') return
      throw error
    } finally {
      letter.state = 'done'
    }
  }

  #handle<T>(
    message: Message,
    ctx: PlayerContext,
    answer: () => T,
    refs: ActorRef[] = [],
  ): T | Promise<T> {
    const letter = this.#receive(message)
    const done = (): T => {
      const { deferred } = letter
      if (letter.swallowed === true) letter.state = 'aside'
      else if (deferred === undefined || deferred === 'refused') letter.state = 'done'
      else {
        if (letter.state === 'in hand') letter.state = 'deferred'
        return deferred as T
      }
      return answer()
    }
    const threw = (error: unknown): never => {
      // Only the runtime throws what is no error: it puts the message aside.
      const isAside = !(error instanceof Error) || letter.swallowed === true
      letter.state = isAside ? 'aside' : 'done'
      throw error
    }
    return this.#life.turn(`${letter.kind} ${letter.id}`, () => {
      try {
        const pending = perform(message.deeds, this.#doer(ctx, message.id, refs))
        // oxlint-disable-next-line promise/no-callback-in-promise -- they are no callbacks of others
        return pending === undefined ? done() : pending.then(done, threw)
      } catch (error) {
        return threw(error)
      }
    })
  }

  #receive(message: Message): Letter {
    for (const ref of message.refs) this.#learn(ref)
    return this.#witness.mail.handle(message.id, this.#role.path, this.#life.name)
  }

  #learn(ref: ActorRef): void {
    if (!this.#known.includes(ref as PlayerRef)) this.#known.push(ref as PlayerRef)
  }

  #turn(what: string, ctx: PlayerContext, deeds: Deed[], done: () => void): void | Promise<void> {
    return this.#life.turn(what, () => {
      const pending = perform(deeds, this.#doer(ctx))
      // oxlint-disable-next-line promise/no-callback-in-promise -- it is no callback of others
      return pending === undefined ? done() : pending.then(done)
    })
  }

  #failIn(where: 'start' | 'stop'): void {
    if (!this.#role.child.fails[where].includes(this.#life.number)) return
    throw new Error(`fails in ${where}`)
  }

  #doer(ctx: PlayerContext, id?: number, refs?: ActorRef[]): Doer {
    return {
      ctx,
      actor: Player,
      role: this.#role,
      life: this.#life,
      sender: this.#sender,
      letter: id === undefined ? undefined : this.#witness.mail.letters[id],
      answer: () => ({ id: id ?? 0, refs: [...(refs ?? [])] }),
      known: this.#known,
      refOf: (number) => this.#known[number % Math.max(1, this.#known.length)],
      learn: (ref) => {
        this.#learn(ref)
        refs?.push(ref)
      },
    }
  }

  async #alive<T>(promise: Promise<T>): Promise<T> {
    const value = await promise
    return this.#life.lost ? new Promise<T>(() => undefined) : value
  }
}

function answerTo(message: Message, refs: ActorRef[]): Answer {
  return { id: message.id, refs, ...(message.junkAnswer ? { junk: () => undefined } : {}) }
}
