import { permutation } from '@kaitian/train/data'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('data/permutation')

test('T1 every sample stands exactly once in an epoch', () => {
  const sizes = fc.integer({ min: 0, max: 2000 })
  const numbers = fc.integer({ min: 0, max: 2 ** 31 })
  fc.assert(
    fc.property(numbers, numbers, sizes, (seed, epoch, n) => {
      const sorted = permutation(seed, epoch, n).toSorted()
      assert.is(sorted.length, n)
      sorted.forEach((id, i) => assert.is(id, i))
    }),
    { seed: 11, numRuns: 60 },
  )
})

test('the order is a function of seed and epoch alone', () => {
  assert.equal(permutation(1, 2, 500), permutation(1, 2, 500))
  assert.not.equal(permutation(1, 2, 500), permutation(1, 3, 500))
  assert.not.equal(permutation(1, 2, 500), permutation(2, 2, 500))
})

test('every sample is as likely to come first as any other', () => {
  const firsts = [0, 0, 0, 0, 0, 0]
  const epochs = 6000
  for (let epoch = 0; epoch < epochs; epoch++) firsts[permutation(5, epoch, 6)[0]]++
  const expected = epochs / 6
  const chiSquare = firsts.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
  // 99.9th percentile of chi-square with 5 degrees of freedom; the streams are fixed, so this never flickers.
  assert.ok(chiSquare < 20.5, `χ² = ${chiSquare}`)
})

test.run()
