import { loadBackend, type Kernels, type SgdStep } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sameBits } from './bits.js'
import { seeded } from './random.js'

const LENGTHS = [0, 1, 3, 17, 1000, 1_000_003]
type Random = ReturnType<typeof seeded>

/** A view that starts `shift` elements into its memory, so that no vector is aligned. */
function floats(random: Random, length: number, shift: number): Float32Array {
  const view = new Float32Array(length + shift).subarray(shift)
  for (let i = 0; i < length; i++)
    view[i] = random.normal() * 2 ** Math.floor(random.next() * 60 - 30)
  return view
}

/** Magnitudes of every size, or all 64 bits. */
function integers(random: Random, length: number, shift: number): BigInt64Array {
  const view = new BigInt64Array(length + shift).subarray(shift)
  const halves = new Int32Array(view.buffer, view.byteOffset, length * 2)
  for (let i = 0; i < length; i++) {
    const wide = Math.floor(random.next() * 3)
    halves[2 * i] = random.bits32()
    halves[2 * i + 1] =
      wide === 0 ? -(random.bits32() & 1) : random.bits32() >> (wide === 1 ? 10 : 0)
  }
  return view
}

type Suite = ReturnType<typeof suite>

interface Both {
  readonly native: Kernels
  readonly typescript: Kernels
}

/** The native and the TypeScript kernels give the same bits, at awkward lengths and addresses. */
export function sameBitsConformance(): void {
  const test = suite('bits, native against typescript')
  const both = {
    native: loadBackend('native').kernels,
    typescript: loadBackend('typescript').kernels,
  }
  for (const length of LENGTHS) {
    for (const shift of [0, 1]) {
      const random = seeded(length + shift)
      const shape = {
        label: `${length} elements, shifted by ${shift}`,
        float: () => floats(random, length, shift),
        integer: () => integers(random, length, shift),
      }
      sums(test, both, shape)
      quantising(test, both, shape)
      optimising(test, both, shape)
    }
  }
  denormals(test, both)
  test.run()
}

interface Shape {
  readonly label: string
  readonly float: () => Float32Array
  readonly integer: () => BigInt64Array
}

function sums(test: Suite, { native, typescript }: Both, { label, float, integer }: Shape): void {
  test(`sumF32, ${label}`, () => {
    const parts = [float(), float(), float()]
    const [one, other] = [float(), float()]
    native.sumF32(one, parts)
    typescript.sumF32(other, parts)
    assert.ok(sameBits(one, other))
  })
  test(`sumI64, ${label}`, () => {
    const parts = [integer(), integer(), integer()]
    const [one, other] = [integer(), integer()]
    native.sumI64(one, parts)
    typescript.sumI64(other, parts)
    assert.ok(sameBits(one, other))
  })
}

function quantising(
  test: Suite,
  { native, typescript }: Both,
  { label, float, integer }: Shape,
): void {
  test(`quantise, ${label}`, () => {
    for (const exponent of [0, 13, -20]) {
      const values = float()
      const one = integer()
      const other = one.slice()
      const largest = native.quantise(one, values, exponent)
      assert.is(largest, typescript.quantise(other, values, exponent))
      assert.not(Number.isNaN(largest))
      assert.ok(sameBits(one, other))
    }
  })
  test(`dequantise, ${label}`, () => {
    for (const exponent of [0, 40, -12, 180]) {
      const given = integer()
      const [one, other] = [float(), float()]
      native.dequantise(one, given, exponent)
      typescript.dequantise(other, given, exponent)
      assert.ok(sameBits(one, other))
    }
  })
}

function optimising(test: Suite, { native, typescript }: Both, { label, float }: Shape): void {
  test(`sgd, ${label}`, () => {
    const scalars = { count: 48, learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 }
    const given = { ...scalars, weights: float(), velocity: float(), sum: float() }
    const next = (): SgdStep => {
      const digest = new BigUint64Array(3)
      return { ...given, nextWeights: float(), nextVelocity: float(), digest }
    }
    const [one, other] = [next(), next()]
    native.sgd(one)
    typescript.sgd(other)
    assert.ok(sameBits(one.nextWeights, other.nextWeights))
    assert.ok(sameBits(one.nextVelocity, other.nextVelocity))
    assert.equal(one.digest, other.digest)
  })
  test(`digest, ${label}`, () => {
    const [state, velocity] = [float(), float()]
    for (const beside of [velocity, undefined]) {
      for (const first of [0, 1_000_003, 2 ** 32 - 2]) {
        const [one, other] = [new BigUint64Array(3), new BigUint64Array(3)]
        native.digest(one, state, beside, first)
        typescript.digest(other, state, beside, first)
        assert.equal(one, other)
      }
    }
  })
  test(`runningStatistic, ${label}`, () => {
    const [running, sum] = [float(), float()]
    const [one, other] = [float(), float()]
    native.runningStatistic(one, running, sum, 48, 0.1)
    typescript.runningStatistic(other, running, sum, 48, 0.1)
    assert.ok(sameBits(one, other))
  })
}

function denormals(test: Suite, { native, typescript }: Both): void {
  test('denormals are neither read nor written as zero', () => {
    const parts = [2 ** -149, 2 ** -140].map((value) => new Float32Array(19).fill(value))
    const [one, other] = [new Float32Array(19), new Float32Array(19)]
    native.sumF32(one, parts)
    typescript.sumF32(other, parts)
    assert.is(one[18], 2 ** -149 + 2 ** -140)
    assert.ok(sameBits(one, other))
  })
}
