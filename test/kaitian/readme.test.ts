import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('readme')

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

/** Every page, as a path from the project's root. */
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(new URL('../../../docs', import.meta.url))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** The pages and files that a page links to, as paths from the project's root. */
function linksOf(page: string): string[] {
  const targets = textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)
  return [...targets].map(([, target]) => posix.join(posix.dirname(page), target))
}

test("the README's example is the program that is there", () => {
  const [, block] = /```js\n(.*?)```/s.exec(textOf('README.md')) ?? []
  assert.is(block, textOf('packages/examples/library/main.js'))
})

test('every link of every page leads to a file', () => {
  for (const page of pages) {
    for (const target of linksOf(page)) {
      assert.ok(existsSync(new URL(`../../../${target}`, import.meta.url)), `${page}: ${target}`)
    }
  }
})

test('every page of docs/ is found from the README', () => {
  const linked = linksOf('README.md')
  for (const page of pages.filter((name) => name.startsWith('docs/'))) {
    assert.ok(linked.includes(page), page)
  }
})

test('the README explains the words that a newcomer meets, and uses them', () => {
  for (const word of ['device', 'group', 'bridge', 'step', 'shard', 'quota']) {
    assert.match(textOf('README.md'), new RegExp(`^\\| \\*\\*${word}\\*\\*`, 'm'))
  }
})

test('the rooms of the README are those that are there', () => {
  for (const [, room] of textOf('README.md').matchAll(/^\| `(packages\/[\w-]+)`/gm)) {
    assert.ok(textOf(`${room}/package.json`).length > 0, room)
  }
})

test.run()
