import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { train } from 'kaitian'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

// The examples are plain JavaScript: what a reader copies runs as it stands.

const test = suite('examples')
const program = fileURLToPath(
  new URL('../../../packages/examples/library/main.js', import.meta.url),
)

test("the README's example loses a device, finishes, and says so", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program])
  assert.is(stderr, '')
  assert.match(stdout, /^step 10: loss \d\.\d{3}, cpu:0 takes \d+, cpu:1 takes \d+\n/)
  assert.match(stdout, /\ncpu:1 was killed on purpose\n/)
  assert.match(
    stdout,
    /\nstep 60: loss \d\.\d{3}, cpu:0 takes 32\n1920 samples; .*'cpu:0': '[0-9a-f]{32}' \}\n$/,
  )
})

test("a loop of one's own says after each epoch what it makes of the test set", async () => {
  const place = (name: string) => new URL(`../../../packages/examples/${name}`, import.meta.url)
  const training = train({
    task: place('cifar/task.js'),
    loop: place('loops/plain.js'),
    groups: ['a=sim@sim*2'],
    epochs: 1,
  })
  const losses: unknown[] = []
  training.events.on('log', ({ entry }) => losses.push(entry['loss']))
  const { outcome, epochs } = await training.finished
  await training.close()
  assert.is(outcome, 'finished')
  assert.equal(
    losses,
    epochs.map(({ test: tested }) => tested?.loss),
  )
  assert.is(losses.length, 1)
})

test.run()
