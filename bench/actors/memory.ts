import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Entrant, Measurement } from './contest.js'
import { costAtMost } from './targets.js'

const actors = 20_000

/** Unlike each other: xstate's actors are each a system of their own, as `createActor` makes them. */
export const memory: Measurement = {
  name: 'memory',
  title: `memory of an idle actor, same thread: ${actors} of them, each told one message`,
  unit: 'bytes',
  maxRounds: 5,
  passes: 1,
  contestants: [
    { name: 'ours', open: () => inProcess('ours') },
    { name: 'nact', open: () => inProcess('nact') },
    { name: 'xstate', open: () => inProcess('xstate') },
  ],
  targets: [costAtMost('ours', 1536, 'bytes')],
}

const run = promisify(execFile)
const program = fileURLToPath(new URL('./memory-process.js', import.meta.url))

/** A process for each sample, so that the heap holds nothing else. */
function inProcess(name: string): Entrant {
  return {
    warmUp: async () => undefined,
    async sample() {
      const { stdout } = await run(process.execPath, ['--expose-gc', program, name, String(actors)])
      return Number(stdout)
    },
    close: async () => undefined,
  }
}
