import { loadBackend, type Kernels } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sameBits } from './bits.js'
import { seeded } from './random.js'
import { thrown, type Implementation } from './ranks.js'

/** What every implementation of the kernels does, with values worked out by hand. */
export function kernelsConformance(implementation: Implementation): void {
  const test = suite(`kernels, ${implementation}`)
  const { kernels } = loadBackend(implementation)
  summing(test, kernels)
  quantising(test, kernels)
  dequantising(test, kernels)
  optimising(test, kernels)
  refusals(test, kernels)
  test.run()
}

type Suite = ReturnType<typeof suite>

function summing(test: Suite, kernels: Kernels): void {
  test('sumF32 rounds after each addition, in the order of the parts', () => {
    const parts = [[2 ** 24], [1], [1]].map((part) => Float32Array.from(part))
    const into = new Float32Array(1)
    kernels.sumF32(into, parts)
    assert.is(into[0], 2 ** 24)
    kernels.sumF32(into, parts.toReversed())
    assert.is(into[0], 2 ** 24 + 2)
  })
  test('a sum may be written over any of its parts', () => {
    for (const target of [0, 1, 2]) {
      const parts = [1, 10, 100].map((value) => new Float32Array(5000).fill(value))
      kernels.sumF32(parts[target], parts)
      assert.ok(parts[target].every((value) => value === 111))
      const integers = [1n, -10n, 100n].map((value) => new BigInt64Array(5000).fill(value))
      kernels.sumI64(integers[target], integers)
      assert.ok(integers[target].every((value) => value === 91n))
    }
  })
  test('C1 sumI64 is exact and wraps', () => {
    const into = new BigInt64Array(3)
    const left = BigInt64Array.from([2n ** 63n - 1n, 2n ** 32n - 1n, -1n])
    const right = BigInt64Array.from([1n, 1n, -(2n ** 62n)])
    kernels.sumI64(into, [left, right])
    assert.equal([...into], [-(2n ** 63n), 2n ** 32n, -(2n ** 62n) - 1n])
  })
}

function quantising(test: Suite, kernels: Kernels): void {
  const quantised = (values: number[], exponent: number): bigint[] => {
    const sums = new BigInt64Array(values.length)
    kernels.quantise(sums, Float32Array.from(values), exponent)
    return [...sums]
  }
  test('quantise rounds to nearest, ties to even, both signs', () => {
    assert.equal(quantised([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], 0), [0n, 2n, 2n, 0n, -2n, -2n])
    assert.equal(quantised([0.25, 0.75, -0.75, -0], 1), [0n, 2n, -2n, 0n])
    assert.equal(quantised([3, -5, 6], -1), [2n, -2n, 3n])
  })
  test('quantise adds, with carries and borrows between the halves', () => {
    const sums = BigInt64Array.from([2n ** 32n - 1n, 0n, -1n, -(2n ** 32n)])
    kernels.quantise(sums, Float32Array.from([1, -1, 1, -(2 ** 40)]), 0)
    assert.equal([...sums], [2n ** 32n, -1n, 0n, -(2n ** 32n) - 2n ** 40n])
  })
  test('quantise returns the largest magnitude, 0 for nothing', () => {
    const values = Float32Array.from([0.1, -7.25, 3])
    assert.is(kernels.quantise(new BigInt64Array(3), values, 4), 7.25)
    assert.is(kernels.quantise(new BigInt64Array(0), new Float32Array(0), 4), 0)
    assert.is(kernels.quantise(new BigInt64Array(1), Float32Array.from([-0]), 4), 0)
  })
  test('quantise accepts ±2^52 and reports what is larger or not finite', () => {
    assert.equal(quantised([2 ** 52, -(2 ** 52)], 0), [2n ** 52n, -(2n ** 52n)])
    assert.equal(quantised([1.5, -1], 51), [3n * 2n ** 50n, -(2n ** 51n)])
    for (const [bad, exponent] of [
      [2 ** 52 * (1 + 2 ** -23), 0],
      [2, 52],
      [NaN, 0],
      [Infinity, -1022],
      [-Infinity, 0],
      [2 ** 127, 1022],
    ]) {
      // Among many, at any place: the vector loop and its remainder both look.
      for (const place of [0, 7, 18]) {
        const values = new Float32Array(19).fill(2 ** -149)
        values[place] = bad
        assert.ok(Number.isNaN(kernels.quantise(new BigInt64Array(19), values, exponent)))
      }
    }
  })
}

function dequantising(test: Suite, kernels: Kernels): void {
  test('dequantise rounds once', () => {
    // Past the middle between two floats by less than a double can tell.
    const tie = 2n ** 62n + 2n ** 38n
    const sums = BigInt64Array.from([tie, tie + 1n, tie - 1n, -tie - 1n, 0n, -1n, -(2n ** 63n)])
    const into = new Float32Array(sums.length)
    kernels.dequantise(into, sums, 0)
    const up = 2 ** 62 + 2 ** 39
    assert.equal([...into], [2 ** 62, up, 2 ** 62, -up, 0, -1, -(2 ** 63)])
    kernels.dequantise(into, sums, 62)
    assert.equal([...into.subarray(0, 3)], [1, 1 + 2 ** -23, 1])
  })
  test('dequantise inverts quantise wherever nothing was rounded', () => {
    const random = seeded(5)
    // From 2^-20 up, all 24 bits of a float lie above 2^-49.
    const values = Float32Array.from({ length: 4099 }, () => 2 ** -20 + random.next() * 7)
    const sums = new BigInt64Array(values.length)
    kernels.quantise(sums, values, 49)
    const back = new Float32Array(values.length)
    kernels.dequantise(back, sums, 49)
    assert.ok(sameBits(back, values))
  })
}

function optimising(test: Suite, kernels: Kernels): void {
  test('sgd takes one step from the mean gradient, into the second buffers', () => {
    const view = (value: number): Float32Array => Float32Array.from([value])
    const step = {
      weights: view(2),
      velocity: view(0.5),
      sum: view(12),
      nextWeights: view(0),
      nextVelocity: view(0),
      count: 4,
      learningRate: 0.25,
      momentum: 0.5,
      weightDecay: 0.125,
      digest: new BigUint64Array(3),
    }
    kernels.sgd(step)
    assert.is(step.nextVelocity[0], 3.5)
    assert.is(step.nextWeights[0], 1.125)
    assert.equal([step.weights[0], step.velocity[0]], [2, 0.5])
  })
  test('the digest of a step is that of what it wrote', () => {
    const random = seeded(6)
    const view = (): Float32Array => Float32Array.from({ length: 1_300_001 }, () => random.next())
    const step = {
      weights: view(),
      velocity: view(),
      sum: view(),
      nextWeights: view(),
      nextVelocity: view(),
      count: 4,
      learningRate: 0.25,
      momentum: 0.5,
      weightDecay: 0.125,
      digest: new BigUint64Array(3),
    }
    kernels.sgd(step)
    const whole = new BigUint64Array(3)
    kernels.digest(whole, step.nextWeights, step.nextVelocity, 0)
    assert.equal(step.digest, whole)
  })
  test('a digest is a sum over parts, worked out by hand', () => {
    const [state, velocity] = [Float32Array.from([1, 2]), Float32Array.from([0, -3])]
    const [one, two, minusThree] = [0x3f800000n, 0x40000000n, 0xc0400000n]
    const word = 2n ** 32n
    const sum = (a: bigint, b: bigint): bigint =>
      (((one + a) % word) * (b % word) + ((two + 2n * a) % word) * ((minusThree + 2n * b) % word)) %
      2n ** 64n
    const expected = [sum(0x9e3779b1n, 0x85ebca6bn), sum(0xc2b2ae35n, 0x27d4eb2fn), 0n]
    const parts = new BigUint64Array(3)
    for (const at of [1, 0]) {
      kernels.digest(parts, state.subarray(at, at + 1), velocity.subarray(at, at + 1), at)
    }
    assert.equal([...parts], expected)
  })
  test('a digest counts what is not finite, and tells any two states apart', () => {
    const digest = (values: number[]): bigint[] => {
      const words = new BigUint64Array(3)
      kernels.digest(words, Float32Array.from(values), undefined, 0)
      return [...words]
    }
    assert.is(digest([1, Infinity, Number.NaN, -Infinity, 3e38])[2], 3n)
    const all = [[1, 2], [2, 1], [1, 2, 0], [0, 1, 2], [-0, 0], [0, -0], [0, 0], [0], []]
    assert.is(new Set(all.map((values) => digest(values).join())).size, all.length)
  })
  test('runningStatistic moves towards the mean', () => {
    const next = new Float32Array(1)
    kernels.runningStatistic(next, Float32Array.from([8]), Float32Array.from([8]), 4, 0.25)
    assert.is(next[0], 6.5)
  })
}

function refusals(test: Suite, kernels: Kernels): void {
  test('input that does not fit is refused with BAD_ARGUMENT', () => {
    const memory = new ArrayBuffer(64)
    const shifted = new Float32Array(memory, 4, 8)
    const refused: (() => unknown)[] = [
      () => kernels.sumF32(new Float32Array(2), [new Float32Array(3)]),
      () => kernels.sumF32(new Float32Array(2), []),
      () => kernels.sumF32(shifted, [new Float32Array(memory, 0, 8)]),
      () => kernels.sumI64(new BigInt64Array(1), [new Float32Array(1) as unknown as BigInt64Array]),
      () => kernels.quantise(new BigInt64Array(1), new Float32Array(2), 0),
      () => kernels.quantise(new BigInt64Array(1), new Float32Array(1), 1.5),
      () => kernels.dequantise(new Float32Array(1), new BigInt64Array(1), 1023),
      () => kernels.runningStatistic(shifted, shifted, shifted, 0, 0.1),
      () => kernels.digest(new BigUint64Array(2), shifted, undefined, 0),
      () => kernels.digest(new BigUint64Array(3), shifted, new Float32Array(1), 0),
      () => kernels.digest(new BigUint64Array(3), shifted, undefined, -1),
    ]
    for (const call of refused) assert.is(thrown(call).code, 'BAD_ARGUMENT')
  })
}
