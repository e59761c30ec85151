import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { virtualClock } from '@kaitian/actors'
import {
  Bench,
  runCommandLine,
  trainOn,
  type Host,
  type Loss,
  type Signal,
  type Starters,
} from 'kaitian/testing'
import { FakeRuntime, type FakeScript } from './fake-runtime.js'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const command = fileURLToPath(new URL('../../../packages/kaitian/bin/kaitian.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  /** What it died of, if it did. */
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Starts the real command in a process of its own, with the repository as working folder. */
export function startCommand(words: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  return follow(
    spawn(process.execPath, [command, ...words], {
      cwd: repository,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

function follow(child: Started['child']): Started {
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      if (out.includes(text)) resolve()
      child.stdout.on('data', () => out.includes(text) && resolve())
      child.on('close', () => reject(new Error(`it ended without printing ${text}: ${err}`)))
    })
  return { child, ended, printed, output: () => out }
}

/** The real command as a shell reads it. */
export function kaitian(words = ''): string {
  return `'${process.execPath}' '${command}' ${words}`
}

/** The real command by way of a shell, whose line holds `$KAITIAN` where the command is meant. */
export function runInShell(line: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return startInShell(line, env).ended
}

export function startInShell(line: string, env: NodeJS.ProcessEnv = {}): Started {
  return follow(
    spawn('bash', ['-c', line.replaceAll('$KAITIAN', kaitian())], {
      cwd: repository,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ran>
  /** Waits until the output holds the text. */
  readonly printed: (text: string) => Promise<void>
  /** What it has printed so far. */
  readonly output: () => string
}

export function runCommand(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran> {
  return startCommand(words, env).ended
}

/** The command in this thread over a fake runtime; `signal` plays Ctrl-C. */
export function runOnFake(
  words: readonly string[],
  script: FakeScript = {},
  {
    isTTY = false,
    bench = (options) => new Bench(options),
  }: { isTTY?: boolean; bench?: Starters['bench'] } = {},
) {
  const runtime = new FakeRuntime(script)
  const clock = virtualClock()
  const listeners = new Set<(signal: Signal) => void>()
  const losing = new Set<(loss: Loss) => void>()
  const lost: Partial<Record<Loss['output'], Loss>> = {}
  const deaths: string[] = []
  const text = { out: '', err: '' }
  const host: Host = {
    out: { isTTY, write: (part) => (text.out += part) },
    err: { write: (part) => (text.err += part) },
    clock,
    lost,
    onSignal: (listener) => subscribe(listeners, listener),
    onLoss: (listener) => subscribe(losing, listener),
    flush: async () => {},
    dieOf: (signal) => deaths.push(signal),
    exit: () => {
      throw new Error('only a process exits')
    },
  }
  return {
    code: runCommandLine(words, host, { train: trainOn(async () => runtime), bench }),
    text,
    /** Signals that the process would have ended itself with. */
    deaths,
    runtime,
    clock,
    signal: (name: Signal) => [...listeners].forEach((listener) => listener(name)),
    lose: (loss: Loss) => {
      lost[loss.output] = loss
      for (const listener of losing) listener(loss)
    },
    listening: () => listeners.size + losing.size,
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
