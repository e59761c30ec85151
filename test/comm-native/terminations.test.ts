import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { depth } from '../depth.js'
import { whenNative } from './conformance.js'
import { KINDS } from './terminations/work.js'

/** Of each kind; two threads end in a round: 480 ends at full depth, `KAITIAN_ROUNDS=167` tries 2,004. */
const rounds = Number(process.env.KAITIAN_ROUNDS ?? depth({ cut: 4, full: 40 }))
/** Of each kind: processes that call process.exit. */
const exits = depth({ cut: 1, full: 10 })
/** Names the moments: `KAITIAN_SEED=7 node …` draws them again. */
const seed = Number(process.env.KAITIAN_SEED ?? 1)
/** A round takes a fraction of a second on a quiet machine: a process that says nothing for this long hangs. */
const SILENCE_MS = 120_000

/** Each in processes of its own, so that a crash is a failure that says where it was. */
whenNative(() => {
  const test = suite(`threads that end at any moment, seed ${seed}`)
  for (const kind of KINDS) {
    test(`A7 ${2 * rounds} ends in the midst of ${kind} leave the host as it was`, async () => {
      const { how, output } = await run('rounds', [kind, seed, 0, rounds])
      assert.is(how, 'status 0', `${underWay(output)}\n${output}`)
      assert.match(output, /^survived$/m)
    })
    test(`process.exit in the midst of ${kind} is clean, ${exits} times`, async () => {
      for (let number = 0; number < exits; number++) {
        const program = [kind, seed, number]
        const { how, output } = await run('exit', program)
        assert.is(`${how} ${output}`, 'status 0 ', `exit.js ${program.join(' ')}\n${output}`)
      }
    })
  }
  test.run()
})

/** What ran when it ended: `rounds.js abort 1 12 15` runs those again. */
function underWay(output: string): string {
  const numbers = (word: string): number[] =>
    [...output.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, number]) => Number(number))
  const ended = new Set(numbers('end'))
  const begun = numbers('begin').filter((number) => !ended.has(number))
  return `it ended in one of the rounds ${begun.join(', ')} of seed ${seed}`
}

interface Ending {
  /** `status 0`, `signal SIGABRT`, or that it was silent. */
  readonly how: string
  readonly output: string
}

async function run(name: string, args: readonly (string | number)[]): Promise<Ending> {
  const program = fileURLToPath(new URL(`./terminations/programs/${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [program, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let silent = false
  const hang = setTimeout(() => {
    silent = true
    child.kill('SIGKILL')
  }, SILENCE_MS)
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      hang.refresh()
    })
  }
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(hang)
  if (silent) return { how: `silent for ${SILENCE_MS} ms`, output }
  return { how: signal === null ? `status ${status}` : `signal ${signal}`, output }
}
