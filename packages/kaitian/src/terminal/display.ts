import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { createColors } from 'picocolors'
import { count, loss } from './format.js'

/** What the display writes to: `process.stdout`, or a buffer in a test. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string | Uint8Array): unknown
}

/** Where in the run a step stands. */
export interface Position {
  readonly epoch: number
  /** Those that the run will come to. */
  readonly epochs: number
  /** Steps of the run committed so far, and in all. */
  readonly committed: number
  readonly steps: number
  readonly loss: number
  readonly samplesPerSecond: number
}

/** Lines that stay, and a bar that moves below them where there is a terminal. */
export interface Display {
  line(text: string, tone?: 'plain' | 'good' | 'bad' | 'quiet'): void
  move(position: Position): void
  close(): void
}

export function openDisplay(output: Output): Display {
  return output.isTTY === true ? new BarDisplay(output) : new PlainDisplay(output)
}

/** For pipes and files: no control characters. */
class PlainDisplay implements Display {
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  line(text: string): void {
    this.#output.write(`${text}\n`)
  }

  move(): void {}

  close(): void {}
}

const FORMAT = '{epoch} {bar} step {value}/{total}  loss {loss}  {rate} samples/s'

class BarDisplay implements Display {
  readonly #bars: MultiBar
  readonly #output: Output
  readonly #paint = createColors(process.env['NO_COLOR'] === undefined)
  #bar: SingleBar | undefined

  constructor(output: Output) {
    this.#output = output
    this.#bars = new MultiBar(
      {
        format: FORMAT,
        stream: output as NodeJS.WriteStream,
        barsize: 24,
        linewrap: true,
        hideCursor: true,
        clearOnComplete: true,
        // Signals are the command's business: it stops the run first.
        gracefulExit: false,
      },
      Presets.shades_classic,
    )
  }

  line(text: string, tone: 'plain' | 'good' | 'bad' | 'quiet' = 'plain'): void {
    const painted = this.#colour(text, tone)
    if (this.#bar === undefined) this.#output.write(`${painted}\n`)
    else this.#bars.log(`${painted}\n`)
  }

  move({ epoch, epochs, committed, steps, ...rest }: Position): void {
    const payload = {
      epoch: `epoch ${epoch + 1}/${epochs}`,
      loss: loss(rest.loss),
      rate: count(rest.samplesPerSecond),
    }
    if (this.#bar === undefined) this.#bar = this.#bars.create(steps, committed, payload)
    else this.#bar.update(committed, payload)
  }

  close(): void {
    if (this.#bar === undefined) return
    // `stop` drops the lines that still wait for the next drawing.
    this.#bars.update()
    this.#bars.stop()
    this.#bar = undefined
  }

  #colour(text: string, tone: 'plain' | 'good' | 'bad' | 'quiet'): string {
    if (tone === 'plain') return text
    return this.#paint[({ good: 'green', bad: 'red', quiet: 'dim' } as const)[tone]](text)
  }
}
