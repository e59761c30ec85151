import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('errors page')

function textOf(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
}

test('docs/errors.md lists every code once, and no other', () => {
  const [, union] =
    /export type ErrorCode =(.*?)\n\n/s.exec(textOf('packages/errors/src/error.ts')) ?? []
  const declared = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
  const rows = textOf('docs/errors.md').matchAll(/^\| `([A-Z_]+)` *\| (.+?) *\| (.+?) *\|$/gm)
  const listed = [...rows].map(([, code]) => code)
  assert.ok(declared.length > 30)
  assert.equal(listed.toSorted(), declared.toSorted())
})

test.run()
