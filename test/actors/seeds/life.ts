import type { Context } from '@kaitian/actors'
import type { Deed } from './script.js'
import type { Witness } from './witness.js'

/** One incarnation, as it saw itself. */
export class Life {
  readonly path: string
  /** How many lives this path had before. */
  readonly number: number
  readonly witness: Witness
  context: Context | undefined
  /** It failed in its constructor. */
  stillborn = false
  /** Its thread is gone, or stuck: nothing is asked of it any more. */
  lost = false
  /** Timers that it set on the clock itself. */
  sleeping = 0
  readonly #exitMs: number
  readonly #resources: Resource[] = []
  #disposalMs = 0
  #turn: string | undefined

  /** @param exitMs after so long it is let go of, if its disposal takes longer */
  constructor(witness: Witness, path: string, number: number, exitMs: number) {
    this.witness = witness
    this.#exitMs = exitMs
    this.path = path
    this.number = number
  }

  get name(): string {
    return `${this.path}#${this.number}`
  }

  get hasEnded(): boolean {
    return this.lost || this.stillborn || this.context?.signal.aborted === true
  }

  /** What it took and has not given back. */
  get owes(): readonly Resource[] {
    return this.lost ? [] : this.#resources
  }

  /** Its disposal takes, or took, longer than is waited for. */
  get lingers(): boolean {
    return this.#disposalMs >= this.#exitMs
  }

  /** A1: runs `body` as a turn; whatever it returns ends the turn when it settles. */
  turn<T>(what: string, body: () => T): T {
    this.#begin(what)
    let result: T
    try {
      result = body()
    } catch (error) {
      this.#turn = undefined
      throw error
    }
    if (result instanceof Promise) {
      return result.finally(() => {
        this.#turn = undefined
      }) as T
    }
    this.#turn = undefined
    return result
  }

  /** Whatever happens to it meanwhile. */
  async sleep(ms: number): Promise<void> {
    this.sleeping++
    await (this.context ?? this.witness.system).clock.sleep(ms)
    this.sleeping--
  }

  own(deed: Deed & { do: 'own' }): void {
    const resource = new Resource(this, deed, this.#resources)
    this.#resources.push(resource)
    try {
      this.context?.own(resource)
      this.#disposalMs += deed.holds ? Infinity : deed.ms
    } catch (error) {
      // Too late: it is disposed of, but nobody waits for that.
      this.#resources.pop()
      throw error
    }
  }

  #begin(what: string): void {
    this.witness.log(`${this.name} ${what}`)
    if (this.lost) return
    if (this.#turn !== undefined) {
      this.witness.violate('A1', `${this.name}: ${what} began during ${this.#turn}`)
    }
    if (this.hasEnded && what !== 'stop' && !this.#mayGoOn(what)) {
      this.witness.violate('A1', `${this.name}: ${what} began after its end`)
    }
    this.#turn = what
  }

  /** A stop waits for the answers that were deferred, and callbacks may give them. */
  #mayGoOn(what: string): boolean {
    if (!/^(timer|watch)/.test(what)) return false
    return this.witness.mail.letters.some(
      ({ by, state }) => by === this.name && state === 'deferred',
    )
  }
}

/** Something that takes a while to dispose of. */
class Resource implements AsyncDisposable {
  readonly holds: boolean
  readonly #life: Life
  readonly #deed: Deed & { do: 'own' }
  readonly #all: Resource[]
  #begun = false

  constructor(life: Life, deed: Deed & { do: 'own' }, all: Resource[]) {
    this.#life = life
    this.#deed = deed
    this.#all = all
    this.holds = deed.holds
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { name, witness } = this.#life
    witness.log(`${name} disposes`)
    if (this.#begun) witness.violate('A5', `${name}: disposed of something twice`)
    if (this.#all.includes(this) && this.#all.at(-1) !== this)
      witness.violate('A5', `${name}: not last in, first out`)
    this.#begun = true
    const { ms, fails, holds } = this.#deed
    if (holds) await new Promise(() => undefined)
    if (ms > 0) await this.#life.sleep(ms)
    if (this.#all.at(-1) === this) this.#all.pop()
    if (fails) throw new Error('a resource that fails')
  }
}
