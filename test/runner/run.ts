import { fileURLToPath } from 'node:url'
import type { TestFile } from './files.js'
import { lookAtFamilies } from './family.js'
import { judge, progressIn, type Outcome } from './outcome.js'
import { AT_WORK, LOOK_MS, UNHURRIED, words } from './patience.js'
import { Program } from './program.js'

const entry = fileURLToPath(new URL('./entry.js', import.meta.url))

export interface Result extends Outcome {
  readonly wallMs: number
  readonly cpuMs: number
}

/** So long nothing is printed before it is told what runs. */
const QUIET_MS = 60_000
/** When it is interrupted, programs have so long to end by themselves. */
const LAST_CHANCE_MS = 2000
/** After a Ctrl-C npm passes on the same signal, which is not one more. */
const ECHO_MS = 500
const SLOWEST = 10

export interface Host {
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  print(line: string): void
  /** Called after every file. */
  noted(results: ReadonlyMap<string, Result>): void
  /** The part of a processor that the machine can give to one more thread. */
  share(): number
}

/** Runs files, each in a process of its own, and tells how they do. */
export class Run {
  readonly results = new Map<string, Result>()
  /** The signal that ended it early. */
  interrupted: NodeJS.Signals | undefined
  readonly #running = new Set<Program>()
  readonly #host: Host
  readonly #startedAt: number
  #printedAt: number
  #interruptedAt = 0

  constructor(host: Host) {
    this.#host = host
    this.#startedAt = this.#printedAt = host.now()
  }

  /** Files under system/ use several cores themselves, so that two run at a time. */
  async all(files: readonly TestFile[], workers: number): Promise<void> {
    const timer = setInterval(() => this.#look(), LOOK_MS)
    // What has to be compiled takes longest.
    const prepared = (file: TestFile): number => (file.preparation === undefined ? 1 : 0)
    const shared = files
      .filter(({ name }) => !name.startsWith('system/'))
      .toSorted((one, other) => prepared(one) - prepared(other))
    const large = files.filter(({ name }) => name.startsWith('system/'))
    await Promise.all(Array.from({ length: workers }, () => this.#work(shared)))
    await Promise.all([this.#work(large), this.#work(large)])
    clearInterval(timer)
  }

  interrupt(signal: NodeJS.Signals): void {
    if (this.interrupted !== undefined) {
      if (this.#host.now() - this.#interruptedAt > ECHO_MS) this.killAll('SIGKILL')
      return
    }
    this.interrupted = signal
    this.#interruptedAt = this.#host.now()
    const names = [...this.#running].map(({ name }) => name)
    this.#print(`\n${signal}: ending ${names.join(', ') || 'nothing'}`)
    this.killAll('SIGTERM')
    setTimeout(() => this.killAll('SIGKILL'), LAST_CHANCE_MS).unref()
  }

  /** Also for the last moment of this process, when nothing can be waited for any more. */
  killAll(signal: NodeJS.Signals): void {
    for (const program of this.#running) program.kill(signal)
  }

  /** How it went: the slowest files, and the sums. */
  report(): { passed: number; failed: number } {
    const results = [...this.results]
    const slowest = results
      .toSorted(([, one], [, other]) => other.wallMs - one.wallMs)
      .slice(0, SLOWEST)
    this.#print('\nThe slowest files:')
    for (const [name, { wallMs, cpuMs }] of slowest) {
      this.#print(`${seconds(wallMs)}, ${seconds(cpuMs)} of processor time  ${name}`)
    }
    const took = words(this.#host.now() - this.#startedAt)
    this.#print(`\n${results.length} files in ${took}`)
    const sum = (key: 'passed' | 'failed'): number =>
      results.reduce((total, [, result]) => total + result[key], 0)
    return { passed: sum('passed'), failed: sum('failed') }
  }

  async #work(queue: TestFile[]): Promise<void> {
    while (this.interrupted === undefined) {
      const file = queue.shift()
      if (file === undefined) return
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await this.#runFile(file)
    }
  }

  async #runFile({ name, built, preparation }: TestFile): Promise<void> {
    if (preparation !== undefined) {
      const title = `${name}'s preparation`
      const prepared = await this.#runProgram(title, [preparation], UNHURRIED)
      const { output, code, gaveUp, wallMs } = prepared
      if (this.interrupted !== undefined) return
      this.#print(`prep ${name}  ${seconds(wallMs)}`)
      if (code !== 0 || gaveUp !== undefined) {
        const reason = `its preparation failed: ${gaveUp ?? `status ${code}`}`
        return this.#note(name, output, { passed: 0, failed: 1, reason, wallMs, cpuMs: 0 })
      }
    }
    const { wallMs, cpuMs, ...ending } = await this.#runProgram(name, [entry, built])
    if (this.interrupted !== undefined) return
    this.#note(name, ending.output, { ...judge(ending), wallMs, cpuMs })
  }

  async #runProgram(name: string, args: string[], limits = AT_WORK) {
    const program = new Program(name, args, this.#host.now(), limits)
    this.#running.add(program)
    const ending = await program.ended
    this.#running.delete(program)
    return { ...ending, wallMs: this.#host.now() - program.startedAt, cpuMs: program.cpuMs }
  }

  #note(name: string, output: string, result: Result): void {
    this.results.set(name, result)
    this.#host.noted(this.results)
    const { passed, failed, reason, wallMs } = result
    const mark = failed === 0 ? 'ok  ' : 'FAIL'
    this.#print(`${mark} ${name}  ${passed} passed, ${failed} failed, ${seconds(wallMs)}`)
    if (failed > 0) this.#print(`${reason ?? 'tests failed'}\n${output}`)
  }

  #look(): void {
    const now = this.#host.now()
    const families = lookAtFamilies([...this.#running].map(({ pid }) => pid))
    for (const program of this.#running) {
      program.look({ now, family: families?.get(program.pid), share: this.#host.share() })
    }
    if (now - this.#printedAt >= QUIET_MS) this.#tellWhatRuns(now)
  }

  #tellWhatRuns(now: number): void {
    for (const { name, startedAt, output } of this.#running) {
      const { passed, line } = progressIn(output)
      this.#print(
        `...  ${name}  for ${words(now - startedAt)}, ${passed} passed: ${line.slice(-60)}`,
      )
    }
  }

  #print(text: string): void {
    this.#printedAt = this.#host.now()
    this.#host.print(text)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
