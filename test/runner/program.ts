import { spawn, type ChildProcess } from 'node:child_process'
import { lookAtFamilies, type Family } from './family.js'
import { hasTotals, type Ending } from './outcome.js'
import * as patience from './patience.js'

/** What is looked at beside a program. */
export interface Surroundings {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: number
  /** Undefined where the machine does not tell. */
  readonly family: Family | undefined
  /** The part of a processor that the machine can give to one more thread. */
  readonly share: number
}

/** After it was asked for what it holds open. */
const LAST_WORDS_MS = 5000

type Phase = 'at work' | 'at its end' | 'ended' | 'given up'

/** A program with a session of its own, so that all that it starts can be watched, and ended. */
export class Program {
  readonly name: string
  readonly pid: number
  readonly startedAt: number
  output = ''
  /** The most processor time that was seen, with that of all that it started. */
  cpuMs = 0
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #limits: patience.Limits
  #phase: Phase = 'at work'
  #vigil: patience.Vigil | undefined
  #gaveUp: string | undefined
  #closed = false
  #resolve: (ending: Ending) => void = () => undefined

  constructor(name: string, args: readonly string[], now: number, limits = patience.AT_WORK) {
    this.name = name
    this.startedAt = now
    this.#limits = limits
    this.ended = new Promise((resolve) => (this.#resolve = resolve))
    this.#child = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Without a pid nothing was started, and 'error' says why.
    this.pid = this.#child.pid ?? 0
    const read = (chunk: string): void => void (this.output += chunk)
    this.#child.stdout?.setEncoding('utf8').on('data', read)
    this.#child.stderr?.setEncoding('utf8').on('data', read)
    this.#child.on('error', (error) => {
      this.output += error.message
      this.#finish()
    })
    this.#child.on('exit', () => {
      if (this.#phase !== 'given up') this.#enter('ended')
    })
    this.#child.on('close', () => {
      this.#closed = true
      const others = lookAtFamilies([this.pid])?.get(this.pid)?.others ?? []
      if (this.#phase === 'given up' || others.length === 0) this.#finish()
    })
  }

  /** To be called again and again. */
  look({ now, family, share }: Surroundings): void {
    this.cpuMs = Math.max(this.cpuMs, family?.cpuMs ?? 0)
    if (this.#phase === 'given up') return
    const others = family?.others ?? []
    if (this.#phase === 'ended' && this.#closed && others.length === 0) return this.#finish()
    if (this.#phase === 'at work' && hasTotals(this.output)) this.#enter('at its end')
    const sample = {
      now,
      printed: this.output.length,
      cpuMs: family?.cpuMs,
      stopped: family?.stopped ?? false,
      share,
    }
    const limits = this.#phase === 'at work' ? this.#limits : patience.AT_ITS_END
    this.#vigil =
      this.#vigil === undefined
        ? patience.beginVigil(sample)
        : patience.continueVigil(this.#vigil, sample, limits)
    const reason = patience.reasonToGiveUp(this.#vigil, limits)
    if (reason !== undefined) this.#giveUp(reason, others)
  }

  /** Ends it and all that it started. */
  kill(signal: NodeJS.Signals): void {
    // Zero would be the runner's own group.
    if (this.pid === 0) return
    try {
      process.kill(-this.pid, signal)
    } catch {
      // They have ended already.
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#vigil = undefined
  }

  #giveUp(reason: string, others: readonly string[]): void {
    const phase = this.#phase
    this.#enter('given up')
    if (phase === 'ended') {
      this.#gaveUp = `ended, but left processes behind: ${others.join(', ') || 'unknown'}`
      return this.#finish()
    }
    this.#gaveUp = phase === 'at work' ? reason : 'finished but left handles open'
    // It says what it holds open, if it can.
    this.#child.kill('SIGUSR2')
    setTimeout(() => {
      this.kill('SIGKILL')
      // Someone in a session of its own may still hold the other ends.
      this.#child.stdout?.destroy()
      this.#child.stderr?.destroy()
    }, LAST_WORDS_MS).unref()
  }

  #finish(): void {
    this.kill('SIGKILL')
    const { exitCode: code, signalCode: signal } = this.#child
    this.#resolve({
      output: this.output,
      code,
      signal,
      ...(this.#gaveUp === undefined ? {} : { gaveUp: this.#gaveUp }),
    })
  }
}
