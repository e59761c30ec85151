import { closeSync, fstatSync, readFileSync, writeFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { systemClock, type Clock } from '@kaitian/actors'
import type { Output } from '../terminal/display.js'
import { SIGNALS, type Signal } from './exit.js'

/** An output that can no longer be written to. */
export interface Loss {
  readonly output: 'stdout' | 'stderr'
  /** The system's reason: EPIPE, ENOSPC, EIO … */
  readonly code: string
}

/** What the command needs of the process it runs in. */
export interface Host {
  readonly out: Output
  readonly err: Output
  /** Outputs that are lost; what is written to them goes nowhere. */
  readonly lost: { readonly [Name in Loss['output']]?: Loss }
  readonly clock: Clock
  /** Calls back for each request to end; returns how to stop that. */
  onSignal(listener: (signal: Signal) => void): () => void
  /** Calls back when an output is lost, also one that was lost before; returns how to stop that. */
  onLoss(listener: (loss: Loss) => void): () => void
  /** Resolves when everything written is out or lost. */
  flush(): Promise<void>
  /**
   * Ends the process by the signal's default action, at once: `process.exit`
   * waits for threads, and one that hangs would keep it waiting.
   */
  dieOf(signal: Signal): void
  /** Ends the process with the code. */
  exit(code: number): never
}

export function processHost(): Host {
  const terminals = STANDARD.filter((fd) => isatty(fd))
  const losses = new Losses()
  const out = new StandardOutput(process.stdout, 'stdout', losses)
  const err = new StandardOutput(process.stderr, 'stderr', losses)
  return {
    out,
    err,
    lost: losses.byOutput,
    clock: systemClock,
    onSignal,
    onLoss: (listener) => losses.subscribe(listener),
    async flush() {
      await Promise.all([out.flush(), err.flush()])
    },
    dieOf(signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    },
    exit(code) {
      // Node.js aborts at its exit over a terminal that is gone, but not over one that is closed.
      for (const fd of terminals) if (!isatty(fd)) closeSync(fd)
      process.exit(code)
    },
  }
}

/** stdin, stdout and stderr. */
const STANDARD = [0, 1, 2]

class Losses {
  readonly byOutput: { [Name in Loss['output']]?: Loss } = {}
  readonly #listeners = new Set<(loss: Loss) => void>()

  /** Only the first loss of an output is told. */
  report(loss: Loss): void {
    if (this.byOutput[loss.output] !== undefined) return
    this.byOutput[loss.output] = loss
    for (const listener of this.#listeners) listener(loss)
  }

  subscribe(listener: (loss: Loss) => void): () => void {
    this.#listeners.add(listener)
    for (const loss of Object.values(this.byOutput)) listener(loss)
    return () => void this.#listeners.delete(listener)
  }
}

/** stdout or stderr; writing to it never throws and never ends the process. */
class StandardOutput implements Output {
  readonly #stream: NodeJS.WriteStream
  readonly #name: Loss['output']
  readonly #losses: Losses
  readonly #fd: number
  readonly #isFile: boolean

  constructor(stream: NodeJS.WriteStream, name: Loss['output'], losses: Losses) {
    this.#stream = stream
    this.#name = name
    this.#losses = losses
    this.#fd = name === 'stdout' ? 1 : 2
    this.#isFile = !stream.isTTY && isFile(this.#fd)
    // What threads print goes through the stream too, and without a listener an error is thrown.
    stream.on('error', (error) => this.#lose(error))
  }

  get isTTY(): boolean {
    return this.#stream.isTTY
  }

  /** For a bar, which must not wrap. */
  get columns(): number {
    return this.#stream.columns
  }

  write(text: string | Uint8Array): boolean {
    if (this.#losses.byOutput[this.#name] !== undefined) return false
    if (!this.#isFile) return this.#stream.write(text)
    try {
      // The stream writes once, and takes the part for which there was room for the whole.
      writeFileSync(this.#fd, text)
      return true
    } catch (error) {
      this.#lose(error as NodeJS.ErrnoException)
      return false
    }
  }

  async flush(): Promise<void> {
    if (this.#isFile || this.#stream.destroyed) return
    await new Promise<void>((resolve) => {
      this.#stream.write('', (error) => {
        if (error) this.#lose(error)
        resolve()
      })
    })
  }

  #lose({ code = 'unknown' }: NodeJS.ErrnoException): void {
    this.#losses.report({ output: this.#name, code })
  }
}

/** A file or a device such as /dev/null, which Node.js takes for one. */
function isFile(fd: number): boolean {
  try {
    const found = fstatSync(fd)
    return found.isFile() || found.isCharacterDevice()
  } catch {
    return false
  }
}

function onSignal(listener: (signal: Signal) => void): () => void {
  const deaf = isUnderNohup()
  const listen = (signal: Signal): void => {
    if (!(deaf && signal === 'SIGHUP')) listener(signal)
  }
  for (const signal of SIGNALS) process.on(signal, listen)
  return () => {
    for (const signal of SIGNALS) process.off(signal, listen)
  }
}

/**
 * Whether the command was started by `nohup`. Node.js gives every signal its default action back
 * when it starts, so that nohup's own doing is lost; what it leaves is the name that shells give
 * to programs in `_`, and, in place of a terminal, a stdin that can only be written to.
 */
function isUnderNohup(): boolean {
  if (/(^|\/)nohup$/.test(process.env['_'] ?? '')) return true
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & 0o3) === 1
  } catch {
    return false
  }
}
