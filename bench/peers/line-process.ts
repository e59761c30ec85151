import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

const answerMs = 60_000
const endMs = 5000
const tailLength = 2000

/** A program that answers each line with a line. It, and what it started, ends with this process. */
export class LineProcess {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #gone: Promise<unknown>
  #errors = ''

  constructor(name: string, command: string, args: readonly string[]) {
    this.#name = name
    // A group of its own, so that what it forked is reached as well.
    const child = spawn(command, args, { stdio: 'pipe', detached: true })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-tailLength)
    })
    child.on('error', (error) => (this.#errors += error.message))
    // Who has ended cannot read; the missing answer tells.
    child.stdin.on('error', () => {})
    this.#gone = once(child, 'close').catch(() => {})
    endWithThis(child)
  }

  async ask(request: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`)
    return this.read()
  }

  /** The next line's value. */
  async read(): Promise<unknown> {
    const waited = new AbortController()
    const late = setTimeout(answerMs, undefined, { signal: waited.signal }).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    const next = await Promise.race([this.#lines.next(), late])
    waited.abort()
    if (next === 'late') throw new Error(`${this.#name} did not answer within ${answerMs / 1000} s`)
    if (next.done === true) {
      await this.#gone
      throw new Error(`${this.#name} ended: ${this.#errors.trim() || 'it did not say why'}`)
    }
    return JSON.parse(next.value)
  }

  /** Ends its input, at which it should end, and makes it end otherwise. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    if (await this.#endsInTime()) return
    signalGroup(this.#child, 'SIGTERM')
    if (await this.#endsInTime()) return
    signalGroup(this.#child, 'SIGKILL')
    await this.#gone
  }

  async #endsInTime(): Promise<boolean> {
    return Promise.race([this.#gone.then(() => true), setTimeout(endMs, false, { ref: false })])
  }
}

const running = new Set<ChildProcess>()

function endWithThis(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    // Whatever it has left behind.
    signalGroup(child, 'SIGKILL')
  })
  if (process.listeners('exit').includes(endAll)) return
  process.on('exit', endAll)
  for (const [signal, number] of [
    ['SIGHUP', 1] as const,
    ['SIGINT', 2] as const,
    ['SIGTERM', 15] as const,
  ]) {
    process.once(signal, () => process.exit(128 + number))
  }
}

/** SIGTERM, since mpirun has to pass it on: its ranks are groups of their own. */
function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGTERM')
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody is left in it.
  }
}
