import { ask, protocol, tell, type Handlers } from '@kaitian/actors'
import { answerTo, type Gradient } from './message.js'

export const CounterProtocol = protocol({
  add: tell<Gradient>(),
  next: ask<Gradient, number>(),
  /** Sums what `add` brought since it was last asked. */
  total: ask<void, number>(),
})

/** Our actor on a thread of its own. */
export class Counter implements Handlers<typeof CounterProtocol> {
  static readonly protocol = CounterProtocol
  #sum = 0

  add({ n }: Gradient): void {
    this.#sum += n
  }

  next(message: Gradient): number {
    return answerTo(message)
  }

  total(): number {
    const sum = this.#sum
    this.#sum = 0
    return sum
  }
}
