import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('testing, replay')

const folder = fileURLToPath(new URL('.', import.meta.url))
const program = 'programs/fragile-order.js'

/** What a program that fails writes, when started so in this folder. */
function failureOf(command: string, env: Record<string, string> = {}): Promise<string> {
  const { KAITIAN_SEED: _, ...rest } = process.env
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [command],
      { cwd: folder, env: { ...rest, ...env } },
      (error, _out, text) => (error === null ? reject(new Error('did not fail')) : resolve(text)),
    )
  })
}

/** From the seed to the end of the trace. */
function reportIn(text: string): string {
  const [report] = /seed \d+ fails[^]*?(?=\n {4}at )/.exec(text) ?? []
  assert.ok(report !== undefined, text)
  return report
}

test('A8 the command that a failing seed prints fails in the same way', async () => {
  const first = reportIn(await failureOf(program))
  const [, seed, command] = /^replay: KAITIAN_SEED=(\d+) node (\S+)$/m.exec(first) ?? []
  assert.ok(Number(seed) > 1, first)
  assert.is(command, program)
  assert.is(reportIn(await failureOf(command, { KAITIAN_SEED: seed })), first)
})

test.run()
