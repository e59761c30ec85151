import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { KaitianError } from '@kaitian/errors'
import { locateTask, toTrainOptions } from 'kaitian/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite<{ folder: string }>('options')

test.before((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-options-'))
})

test.after(({ folder }) => rmSync(folder, { recursive: true }))

function place(folder: string, name: string, content = ''): string {
  const file = join(folder, name)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
  return file
}

function hrefOf(file: string): string {
  return pathToFileURL(file).href
}

test('a task is found by path, URL and relative path', ({ folder }) => {
  const file = place(folder, 'a/task.js')
  assert.is(locateTask(file), hrefOf(file))
  assert.is(locateTask(hrefOf(file)), hrefOf(file))
  assert.is(locateTask(pathToFileURL(file)), hrefOf(file))
  assert.is(locateTask(relative(process.cwd(), file)), hrefOf(file))
})

test('a folder is found by exports, by main, and by usual names', ({ folder }) => {
  const usual = place(folder, 'usual/dist/task.js')
  assert.is(locateTask(join(folder, 'usual')), hrefOf(usual))
  const main = place(folder, 'main/out/x.js')
  place(folder, 'main/package.json', '{ "main": "out/x.js" }')
  assert.is(locateTask(join(folder, 'main')), hrefOf(main))
  const exported = place(folder, 'exports/y.js')
  place(
    folder,
    'exports/package.json',
    '{ "exports": { ".": { "import": "./y.js" } }, "main": "z.js" }',
  )
  assert.is(locateTask(join(folder, 'exports')), hrefOf(exported))
})

test('a task that is not there is refused with advice', ({ folder }) => {
  place(folder, 'unbuilt/package.json', '{ "main": "./dist/task.js" }')
  place(folder, 'broken/package.json', '{')
  mkdirSync(join(folder, 'empty'))
  const cases: [string, RegExp][] = [
    ['missing.js', /There is no task/],
    ['unbuilt', /build it first/],
    ['broken', /not valid JSON/],
    ['empty', /names no task/],
    ['https://example.org/task.js', /not on this machine/],
  ]
  for (const [name, sentence] of cases) {
    const task = name.includes(':') ? name : join(folder, name)
    assert.throws(
      () => locateTask(task),
      (error: unknown) =>
        error instanceof KaitianError && error.code === 'BAD_TASK' && sentence.test(error.message),
      name,
    )
  }
})

test('paths become absolute, short forms full, and the rest passes through', ({ folder }) => {
  const task = place(folder, 'b/task.js')
  const options = toTrainOptions({
    task,
    groups: ['a=tfjs@cpu*2'],
    epochs: 3,
    data: 'somewhere',
    record: 'records',
    weights: pathToFileURL(join(folder, 'w.safetensors')),
    deterministic: true,
    // Stays in this thread.
    signal: new AbortController().signal,
  })
  assert.equal(options, {
    task: hrefOf(task),
    groups: [{ name: 'a', engine: 'tfjs', devices: ['cpu:0', 'cpu:1'] }],
    epochs: 3,
    data: join(process.cwd(), 'somewhere'),
    record: { folder: join(process.cwd(), 'records'), sampleEvery: 50 },
    weights: join(folder, 'w.safetensors'),
    deterministic: true,
  })
  assert.not('save' in options)
  structuredClone(options)
})

test.run()
