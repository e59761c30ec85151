import { answerTo, gradient, type Gradient } from './message.js'
import type { Entrant } from './contest.js'
import { median } from './results.js'
import { timed } from './timed.js'

const asksASample = 1000

/** What can be asked, whoever made it. */
export interface Asker {
  readonly ask: (message: Gradient) => Promise<number>
  readonly close: () => Promise<void>
}

/** One ask at a time: the next when the last was answered. */
export function oneByOne({ ask, close }: Asker): Entrant {
  return timed({
    async run(asks) {
      for (let n = 0; n < asks; n++) {
        const message = gradient(n)
        check(message, await ask(message))
      }
    },
    close,
  })
}

/**
 * One ask at a time, each with its own time; a sample is their median. Between threads a mean
 * would tell mostly how often either had to wait for a core that another process held.
 */
export function latency({ ask, close }: Asker): Entrant {
  const sample = async (asks: number): Promise<number> => {
    const times: number[] = []
    for (let n = 0; n < asks; n++) {
      const message = gradient(n)
      const start = performance.now()
      const reply = await ask(message)
      times.push((performance.now() - start) * 1000)
      check(message, reply)
    }
    return median(times)
  }
  return {
    async warmUp() {
      await sample(10 * asksASample)
    },
    sample: () => sample(asksASample),
    close,
  }
}

/** As many outstanding all the time. */
export function pipelined({ ask, close }: Asker, outstanding: number): Entrant {
  return timed({
    async run(asks) {
      let n = 0
      const lane = async (): Promise<void> => {
        while (n < asks) {
          const message = gradient(n++)
          check(message, await ask(message))
        }
      }
      await Promise.all(Array.from({ length: outstanding }, lane))
    },
    close,
  })
}

function check(message: Gradient, reply: number): void {
  if (reply !== answerTo(message)) throw new Error(`${reply} is no answer to ${message.n}`)
}
