import { initialScales, mergeMaxima, nextScales, outgrown } from '@kaitian/train/step'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('deterministic scales')

test('S5 a measured maximum is scaled to just below 2^44', () => {
  const maxima = fc.double({ min: 1e-30, max: 1e30, noNaN: true })
  const property = fc.property(maxima, (maximum) => {
    const { exponents, unmeasured } = nextScales(initialScales(1), [maximum])
    const [exponent] = exponents
    assert.equal(unmeasured, [])
    const scaled = maximum * 2 ** exponent
    assert.ok(scaled >= 2 ** 43 && scaled < 2 ** 44, `${maximum} → ${scaled}`)
  })
  fc.assert(property, { seed: 3 })
})

test('a bucket that left the range gets more room; an empty one keeps its scale', () => {
  const scales = { exponents: [30, 30], unmeasured: [] }
  assert.equal(nextScales(scales, [Infinity, 0]).exponents, [14, 30])
})

test('S5 a bucket stays unmeasured until a gradient but 0 was seen in it', () => {
  const first = nextScales(initialScales(3), [0, 2, Infinity])
  assert.equal(first.unmeasured, [0, 2])
  assert.ok(outgrown(first.unmeasured, [0, 9, 1]))
  assert.ok(outgrown(first.unmeasured, [1e-9, 9, 0]))
  assert.not.ok(outgrown(first.unmeasured, [0, 9, 0]))
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
