import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readOptions } from './options.js'
import { readRecord, update, writeRecord } from './record.js'

const test = suite('what failed the last time')

const files = ['a', 'b', 'c', 'd'].map((name) => ({ name }))
const results = (all: Record<string, number>) =>
  new Map(Object.entries(all).map(([name, failed]) => [name, { failed }]))

test('a run of some files leaves the others as they were', () => {
  assert.equal(update(['a', 'b'], results({ b: 0, c: 2 }), files), ['a', 'c'])
  assert.equal(update(['a', 'c'], results({ a: 1 }), files), ['a', 'c'])
  assert.equal(update(['c'], results({ a: 0, b: 0, c: 0, d: 0 }), files), [])
})

test('a file that is gone is forgotten', () => {
  assert.equal(update(['a', 'gone'], results({}), files), ['a'])
})

test('it is kept for each depth; a record that cannot be read is none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-record-'))
  try {
    const path = join(folder, 'failed.json')
    assert.equal(readRecord(path), { cut: [], full: [] })
    writeRecord(path, { cut: ['a'], full: ['b', 'c'] })
    assert.equal(readRecord(path), { cut: ['a'], full: ['b', 'c'] })
    writeFileSync(path, '{"cut": ["a')
    assert.equal(readRecord(path), { cut: [], full: [] })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the command line: parts of names, --failed, and nothing else that looks like a flag', () => {
  assert.equal(readOptions([]), { filters: [], failed: false })
  assert.equal(readOptions(['actors/', '--failed']), { filters: ['actors/'], failed: true })
  for (const wrong of ['--fail', '-f', '--failed=yes', '--full']) {
    assert.throws(() => readOptions([wrong]))
  }
})

test.run()
