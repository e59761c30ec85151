import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { virtualClock } from '@kaitian/actors'
import { Bench, runCommandLine, trainOn, type Host, type Starters } from 'kaitian/testing'
import { FakeRuntime, type FakeScript } from './fake-runtime.js'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const command = fileURLToPath(new URL('../../../packages/kaitian/bin/kaitian.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Starts the real command in a process of its own, with the repository as working folder. */
export function startCommand(words: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [command, ...words], {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      child.stdout.on('data', () => out.includes(text) && resolve())
      child.on('close', () => reject(new Error(`it ended without printing ${text}: ${err}`)))
    })
  return { child, ended, printed }
}

export interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ran>
  /** Waits until the output holds the text. */
  readonly printed: (text: string) => Promise<void>
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
  const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>()
  const closed = new Set<() => void>()
  const deaths: string[] = []
  const text = { out: '', err: '' }
  const host: Host = {
    out: { isTTY, write: (part) => (text.out += part) },
    err: { write: (part) => (text.err += part) },
    clock,
    onSignal: (listener) => subscribe(listeners, listener),
    onOutputClosed: (listener) => subscribe(closed, listener),
    dieOf: (signal) => deaths.push(signal),
  }
  return {
    code: runCommandLine(words, host, { train: trainOn(async () => runtime), bench }),
    text,
    /** Signals that the process would have ended itself with. */
    deaths,
    runtime,
    clock,
    signal: (name: 'SIGINT' | 'SIGTERM') => [...listeners].forEach((listener) => listener(name)),
    closeOutput: () => [...closed].forEach((listener) => listener()),
    listening: () => listeners.size + closed.size,
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
