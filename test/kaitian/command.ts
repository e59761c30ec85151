import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { virtualClock } from '@kaitian/actors'
import { runCommandLine, trainOn, type Host } from 'kaitian/testing'
import { FakeRuntime, type FakeScript } from './fake-runtime.js'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const command = fileURLToPath(new URL('../../../packages/kaitian/bin/kaitian.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The real command in a process of its own, with the repository as working folder. */
export function runCommand(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...words], {
      cwd: repository,
      env: { ...process.env, ...env },
    })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

/** The command in this thread over a fake runtime; `signal` plays Ctrl-C. */
export function runOnFake(
  words: readonly string[],
  script: FakeScript = {},
  { isTTY = false }: { isTTY?: boolean } = {},
) {
  const runtime = new FakeRuntime(script)
  const clock = virtualClock()
  const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>()
  const closed = new Set<() => void>()
  const text = { out: '', err: '' }
  const host: Host = {
    out: { isTTY, write: (part) => (text.out += part) },
    err: { write: (part) => (text.err += part) },
    clock,
    onSignal: (listener) => subscribe(listeners, listener),
    onOutputClosed: (listener) => subscribe(closed, listener),
  }
  return {
    code: runCommandLine(
      words,
      host,
      trainOn(async () => runtime),
    ),
    text,
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
