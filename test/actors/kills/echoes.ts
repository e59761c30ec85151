import { ask, protocol, tell, type Context, type Handlers, type Ref } from '@kaitian/actors'

/** Who asked what, in which of its lives. */
export interface Question {
  from: string
  life: number
  id: number
}

export interface Answer extends Question {
  /** Of the one who answers. */
  by: number
}

const EchoProtocol = protocol({ echo: ask<Question, Answer>() })

type EchoRef = Ref<typeof EchoProtocol>

export const RegistryProtocol = protocol({
  ...EchoProtocol,
  /** A life begins; returns its number, counted from 1. */
  begin: ask<string, number>(),
  wrong: tell<string>(),
})

/** Lives in the test's thread, knows all lives, and answers after a while. */
export class Registry implements Handlers<typeof RegistryProtocol> {
  static readonly protocol = RegistryProtocol
  readonly #lives: Map<string, number>
  readonly #problems: string[]

  constructor({ lives, problems }: { lives: Map<string, number>; problems: string[] }) {
    this.#lives = lives
    this.#problems = problems
  }

  begin(path: string): number {
    const life = (this.#lives.get(path) ?? 0) + 1
    this.#lives.set(path, life)
    return life
  }

  async echo(question: Question, { clock }: Context): Promise<Answer> {
    if (question.id % 4 === 0) await clock.sleep(1)
    return { ...question, by: 1 }
  }

  wrong(problem: string): void {
    this.#problems.push(problem)
  }
}

export const EchoerProtocol = protocol({
  ...EchoProtocol,
  /** Asks all of them so many things, each in a post of its own; does not wait for the answers. */
  chatter: tell<{ to: EchoRef[]; times: number }>(),
  note: tell<number>(),
  life: ask<void, number>(),
})

export type EchoerRef = Ref<typeof EchoerProtocol>

/** Echoes with the number of its life, and asks others itself. */
export class Echoer implements Handlers<typeof EchoerProtocol> {
  static readonly protocol = EchoerProtocol
  readonly #registry: Ref<typeof RegistryProtocol>
  #path = ''
  #life = 0
  #lastId = 0

  constructor({ registry }: { registry: Ref<typeof RegistryProtocol> }) {
    this.#registry = registry
  }

  async start({ self }: Context<typeof EchoerProtocol>): Promise<void> {
    this.#path = self.path
    this.#life = await this.#registry.ask.begin(self.path)
    // The numbers of these are those of the last life's.
    if (this.#life > 1) self.tell.chatter({ to: [this.#registry], times: 20 })
  }

  async echo(question: Question, { clock }: Context): Promise<Answer> {
    if (question.id % 7 === 0) await clock.sleep(1)
    return { ...question, by: this.#life }
  }

  async chatter({ to, times }: { to: EchoRef[]; times: number }): Promise<void> {
    for (let i = 0; i < times; i++) {
      for (const ref of to) void this.#ask(ref)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  note(): void {}

  life(): number {
    return this.#life
  }

  async #ask(ref: EchoRef): Promise<void> {
    const question = { from: this.#path, life: this.#life, id: ++this.#lastId }
    const problem = await ref.ask.echo(question).then(
      (answer) => mismatch(question, answer),
      () => undefined,
    )
    if (problem !== undefined) this.#registry.tell.wrong(problem)
  }
}

/** What is wrong with the answer, if anything is. */
export function mismatch(asked: Question, { from, life, id }: Answer): string | undefined {
  if (from === asked.from && life === asked.life && id === asked.id) return undefined
  return `question ${asked.id} of life ${asked.life} of ${asked.from} got the answer to ${id} of life ${life} of ${from}`
}
