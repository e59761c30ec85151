import { KaitianError } from '@kaitian/errors'
import { engineFactory } from '@kaitian/train/engines'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('engines/registry')

test('an unknown name is refused with the names that are known', () => {
  for (const name of ['cuda', '', 'toString', '__proto__']) {
    assert.throws(
      () => engineFactory(name),
      (error: unknown) =>
        error instanceof KaitianError &&
        error.code === 'UNKNOWN_ENGINE' &&
        /sim.*tfjs/.test(error.message),
    )
  }
})

test('known names give factories', () => {
  for (const name of ['sim', 'tfjs']) assert.type(engineFactory(name), 'function')
})

test.run()
