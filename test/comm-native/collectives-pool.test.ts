import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judge, type Ending } from '../runner/outcome.js'
import { whenNative } from './conformance.js'

whenNative(() => {
  const test = suite('collectives with one thread in the pool')
  test('C3, C4 conduct and losses are the same', async () => {
    const ending = await run('collectives')
    const { passed, failed, reason } = judge(ending)
    assert.is(failed, 0, `${reason}\n${ending.output}`)
    assert.ok(passed > 0)
  })
  test.run()
})

function run(program: string): Promise<Ending> {
  const path = fileURLToPath(new URL(`./programs/${program}.js`, import.meta.url))
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(process.execPath, [path], { env })
  let output = ''
  // What it prints is this program's progress, too; the bar keeps its totals apart from ours.
  const read = (data: string): void => {
    output += data
    process.stdout.write(data.replaceAll(/^/gm, '  | '))
  }
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ output, code, signal }))
  })
}
