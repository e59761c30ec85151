import { readFileSync } from 'node:fs'
import { testSystem } from '@kaitian/actors/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('testing, page')

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

test('the page has a row for every fault', async () => {
  const page = textOf('docs/testing-actors.md')
  await using system = testSystem({ seed: 1 })
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(system.faults))
  const faults = names.filter((name) => name !== 'constructor')
  assert.ok(faults.includes('crash'))
  for (const fault of faults) assert.ok(page.includes(`\n| \`${fault}(`), fault)
})

test.run()
