import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { firstBeyond } from './collectives/bounds.js'
import { encode, firstDifference, valuesOf } from './collectives/elements.js'
import { pairwise } from './collectives/pairwise.js'

/** What the collectives are judged by, judged by what is known. */
const test = suite('collectives, references')

test('numbers round to the nearest f16, ties to even', () => {
  const least = 2 ** -24
  const known = [
    [65504, 65504],
    [65519, 65504],
    [65520, Infinity],
    [-65520, -Infinity],
    [2049, 2048],
    [2051, 2052],
    [least / 2, 0],
    [-least / 2, -0],
    [least * 0.75, least],
    [least * 1.5, least * 2],
    [2 ** -14 - least / 2, 2 ** -14],
    [NaN, NaN],
  ]
  const given = Float32Array.from(known, ([value]) => value)
  const rounded = valuesOf('f16', encode('f16', given))
  known.forEach(([, expected], i) => assert.ok(Object.is(rounded[i], expected), `${rounded[i]}`))
})

test('numbers round to the nearest bf16, ties to even', () => {
  const known = [
    [257, 256],
    [259, 260],
    [-1.5, -1.5],
    [2 ** -134, 0],
    [2 ** -133, 2 ** -133],
    [3.4028234663852886e38, Infinity],
  ]
  const rounded = valuesOf(
    'bf16',
    encode(
      'bf16',
      Float32Array.from(known, ([value]) => value),
    ),
  )
  known.forEach(([, expected], i) => assert.is(rounded[i], expected))
})

test('every 16-bit number rounds to itself', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits)
  for (const dtype of ['f16', 'bf16'] as const) {
    const again = encode(dtype, valuesOf(dtype, all))
    const values = valuesOf(dtype, all)
    const strange = all.filter((bits, i) => !Number.isNaN(values[i]) && again[i] !== bits)
    assert.is(strange.length, 0)
  }
})

test('zeros of two signs differ, and so do NaN of other bits than the one', () => {
  const one = Float32Array.of(1, 0, NaN)
  assert.is(firstDifference('f32', one, Float32Array.of(1, -0, NaN)), 1)
  const other = one.slice()
  new Uint32Array(other.buffer)[2] = 0xffc00000
  assert.is(firstDifference('f32', one, other), 2)
  assert.is(firstDifference('f32', one, one.slice()), -1)
})

test('a result that is more than its roundings off is found', () => {
  const folding = { op: 'sum', dtype: 'f32', groups: [3], wire: 'f32' } as const
  const parts = [1, 2 ** -24, 2 ** -24].map((value) => Float32Array.of(value))
  // Either order of adding is within two roundings; two ulps more are not.
  const near = [1, 1 + 2 ** -23].map((value) => Float32Array.of(value))
  for (const result of near) assert.is(firstBeyond(folding, parts, result, false), -1)
  assert.is(firstBeyond(folding, parts, Float32Array.of(1 + 3 * 2 ** -23), false), 0)
  assert.is(firstBeyond(folding, parts, near[0], true), 0)
})

test('every two values that may meet do', () => {
  const dimensions = { letter: ['a', 'b', 'c'], digit: [1, 2, 3, 4], big: [true, false] }
  const allowed = ({ letter, digit }: { letter: string; digit: number }): boolean =>
    letter !== 'a' || digit !== 4
  const chosen = pairwise(dimensions, allowed)
  assert.ok(chosen.every(allowed))
  // Letters and digits alone are eleven pairs, one in each.
  assert.is(chosen.length, 11)
  for (const big of dimensions.big) {
    for (const digit of dimensions.digit) {
      assert.ok(chosen.some((choice) => choice.big === big && choice.digit === digit))
    }
    for (const letter of dimensions.letter) {
      assert.ok(chosen.some((choice) => choice.big === big && choice.letter === letter))
    }
  }
})

test.run()
