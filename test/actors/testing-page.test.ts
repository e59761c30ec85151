import { readFileSync } from 'node:fs'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('testing, page')

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

test('the examples of the page are the files that are tested', () => {
  const page = textOf('docs/testing-actors.md')
  const blocks = [...page.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)]
  assert.equal(
    blocks.map(([, name]) => name),
    ['writer.ts', 'archive.ts', 'writer.test.ts'],
  )
  for (const [, name, code] of blocks) {
    assert.is(code, textOf(`test/actors/examples/${name}`), name)
  }
})

test('the example of the guide is one of them', () => {
  const [, section] =
    /## Testing your actors\n.*?```ts\n(.*?)```/s.exec(textOf('docs/actors.md')) ?? []
  const lines = (section ?? '').trimEnd().split('\n')
  assert.ok(lines.length > 5)
  const indented = lines.map((line) => `  ${line}\n`).join('')
  assert.ok(textOf('test/actors/examples/writer.test.ts').includes(indented), section)
})

test('the page has a row for every fault', async () => {
  const page = textOf('docs/testing-actors.md')
  await using system = testSystem({ seed: 1 })
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(system.faults))
  const faults = names.filter((name) => name !== 'constructor')
  assert.ok(faults.includes('crash'))
  for (const fault of faults) assert.ok(page.includes(`\n| \`${fault}(`), fault)
})

test.run()
