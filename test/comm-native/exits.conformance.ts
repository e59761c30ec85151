import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Implementation } from './ranks.js'

/** Whole processes: what keeps one running, and that none crashes on its way out. */
export function exitsConformance(implementation: Implementation): void {
  const test = suite(`processes, ${implementation}`)
  const ends = (name: string, program: string, printed: string): void => {
    test(name, async () => {
      const { output, status } = await run(program, implementation)
      assert.is(output, printed)
      assert.is(status, 0)
    })
  }
  ends('outstanding operations keep a process running', 'outstanding', 'DEADLINE_EXCEEDED\n')
  ends('an idle communicator does not', 'idle', 'done\n')
  ends('process.exit during an operation is clean', 'exit', 'leaving\n')
  // Without native code an interruption may strike Node.js itself as it loads something of its own.
  if (implementation === 'native') {
    ends('an interrupted getter of what is given is harmless', 'interrupted', 'interrupted\n')
  }
  ends('what is thrown behind a completion is uncaught', 'thrown', 'uncaught: a fault\nsummed\n')
  ends('A7 dispose leaves no handle', 'disposed', 'COMMUNICATOR_ABORTED\nno handles\n')
  ends('waits take no thread of the pool', 'thread-pool', 'read\nsummed\n')
  test.run()
}

interface Exit {
  readonly output: string
  readonly status: number | null
}

/** The process is killed, and so fails the test, when it does not end by itself. */
function run(program: string, implementation: Implementation): Promise<Exit> {
  const path = fileURLToPath(new URL(`./programs/${program}.js`, import.meta.url))
  const child = spawn(process.execPath, [path, implementation], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    timeout: 20_000,
  })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  return new Promise((resolve) => child.on('close', (status) => resolve({ output, status })))
}
