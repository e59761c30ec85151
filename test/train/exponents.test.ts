import { initialExponents, mergeMaxima, nextExponents } from '@kaitian/train/step'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('deterministic scales')

test('S5 a measured maximum is scaled to just below 2^44', () => {
  const maxima = fc.double({ min: 1e-30, max: 1e30, noNaN: true })
  const property = fc.property(maxima, (maximum) => {
    const [exponent] = nextExponents(initialExponents(1), [maximum])
    const scaled = maximum * 2 ** exponent
    assert.ok(scaled >= 2 ** 43 && scaled < 2 ** 44, `${maximum} → ${scaled}`)
  })
  fc.assert(property, { seed: 3 })
})

test('a bucket that left the range gets more room; an empty one keeps its scale', () => {
  assert.equal(nextExponents([30, 30], [Infinity, 0]), [14, 30])
})

test('S5 the merged maximum does not depend on who computed what', () => {
  assert.equal(
    mergeMaxima([
      [1, 5],
      [4, 2],
      [0, 0],
    ]),
    [4, 5],
  )
  assert.equal(
    mergeMaxima([
      [0, 2],
      [4, 5],
    ]),
    [4, 5],
  )
})

test.run()
