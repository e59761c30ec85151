import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('readme')

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

test("the README's example is the program that is there", () => {
  const [, block] = /```ts\n(.*?)```/s.exec(textOf('README.md')) ?? []
  assert.is(block, textOf('packages/examples/src/library/main.ts'))
})

test('every link of the pages leads to a file', () => {
  for (const page of [
    'README.md',
    'CONTRIBUTING.md',
    'docs/getting-started.md',
    'docs/errors.md',
    'docs/bench.md',
    'docs/actors.md',
    'docs/testing-actors.md',
  ]) {
    const folder = page.includes('/') ? page.slice(0, page.lastIndexOf('/') + 1) : ''
    for (const [, target] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      assert.ok(textOf(`${folder}${target}`).length > 0, `${page}: ${target}`)
    }
  }
})

test('the rooms of the README are those that are there', () => {
  for (const [, room] of textOf('README.md').matchAll(/^\| `(packages\/[\w-]+)`/gm)) {
    assert.ok(textOf(`${room}/package.json`).length > 0, room)
  }
})

test.run()
