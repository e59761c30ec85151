import { seededRandom } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('random')

/** xoshiro128** once more, from its paper, in whole numbers of any size. */
function* reference(key: unknown[]): Generator<bigint> {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest()
  const mask = 0xffffffffn
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask
  const s = [0, 4, 8, 12].map((at) => BigInt(digest.readUInt32LE(at)))
  for (;;) {
    yield (rotl((s[1] * 5n) & mask, 7n) * 9n) & mask
    const t = (s[1] << 9n) & mask
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 11n)
  }
}

test('the stream is xoshiro128**, 53 bits a number', () => {
  const random = seededRandom('a', 1)
  const words = reference(['a', 1])
  for (let i = 0; i < 1000; i++) {
    const high = Number((words.next().value as bigint) >> 5n)
    const low = Number((words.next().value as bigint) >> 6n)
    assert.is(random.next(), (high * 2 ** 26 + low) / 2 ** 53)
  }
})

test('the numbers of a key never change', () => {
  const random = seededRandom('golden')
  assert.equal(
    [random.next(), random.integer(1000), random.normal()],
    [0.8454641324514761, 75, 1.7659392099537505],
  )
})

test('keys that read alike are different streams', () => {
  const first = [['1'], [1], ['1', ''], ['ab'], ['a', 'b']].map((key) =>
    seededRandom(...key).next(),
  )
  assert.is(new Set(first).size, first.length)
})

test('a fork depends on the key alone, and disturbs nothing', () => {
  const a = seededRandom(3)
  const b = seededRandom(3)
  for (let i = 0; i < 10; i++) a.next()
  assert.is(a.fork('x').next(), b.fork('x').next())
  assert.is(b.fork('x').fork(1).next(), seededRandom(3, 'x', 1).next())
  for (let i = 0; i < 10; i++) b.next()
  assert.is(a.next(), b.next())
})

test('normals have the right moments and tails, integers reach both ends', () => {
  const random = seededRandom('moments')
  const n = 100_000
  const normals = Array.from({ length: n }, () => random.normal())
  const moment = (k: number): number => normals.reduce((sum, x) => sum + x ** k, 0) / n
  // Five standard errors of each.
  assert.ok(Math.abs(moment(1)) < 5 / Math.sqrt(n))
  assert.ok(Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / n))
  assert.ok(Math.abs(moment(4) - 3) < 5 * Math.sqrt(96 / n))
  const beyond = normals.filter((x) => Math.abs(x) > 3).length / n
  assert.ok(Math.abs(beyond - 0.0027) < 0.001, `${beyond}`)
  const integers = new Set(Array.from({ length: 1000 }, () => random.integer(5)))
  assert.equal(integers, new Set([0, 1, 2, 3, 4]))
})

test('senseless arguments are refused', () => {
  assert.throws(
    () => seededRandom(NaN),
    (error: unknown) => error instanceof KaitianError,
  )
  assert.throws(
    () => seededRandom(1).integer(0),
    (error: unknown) => error instanceof KaitianError,
  )
})

test.run()
