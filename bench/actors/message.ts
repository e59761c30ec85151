/**
 * The message that everybody is sent, a fresh one each time. xstate and nact go by `type`; ours
 * and comedy have a message name as well.
 */
export interface Gradient {
  readonly type: 'grad'
  readonly n: number
  readonly x: number
}

export function gradient(n: number): Gradient {
  return { type: 'grad', n, x: 0.5 }
}

/** The answer that everybody gives to an ask. */
export function answerTo({ n }: Gradient): number {
  return n + 1
}

/** Tells when so many messages have been handled; the same for everybody. */
export class Countdown {
  #left = 0
  #done: (() => void) | undefined

  /** Resolves after as many calls of `handled`. Called before the messages are sent. */
  expect(messages: number): Promise<void> {
    this.#left = messages
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  handled(): void {
    if (--this.#left === 0) this.#done?.()
  }
}
