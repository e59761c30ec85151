import { spawn } from 'node:child_process'
import type { TestFile } from './files.js'
import { judge, type Outcome } from './outcome.js'

/** Long enough for the slowest file on two busy cores. */
const LIMIT_MS = 300_000
/** After its totals a file has this long to end by itself. */
const GRACE_MS = 8_000

/** Runs one file in a process of its own; never rejects. */
export function runFile(file: TestFile): Promise<Outcome & { readonly output: string }> {
  const leaks = new URL('./leaks.js', import.meta.url).href
  const args = ['--enable-source-maps', '--import', leaks, file.built]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let timedOut = false
  let leaked = false
  let grace: NodeJS.Timeout | undefined
  const limit = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, LIMIT_MS)
  const read = (chunk: string): void => {
    output += chunk
    if (grace !== undefined || !/Skipped:/.test(output)) return
    grace = setTimeout(() => {
      leaked = true
      child.kill('SIGUSR2')
      setTimeout(() => child.kill('SIGKILL'), 2_000).unref()
    }, GRACE_MS)
  }
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      clearTimeout(grace)
      resolve({ ...judge({ output, code, signal, timedOut, leaked }), output })
    })
  })
}
