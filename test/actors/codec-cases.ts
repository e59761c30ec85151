import { decode, encode } from '@kaitian/actors/internal'
import { KaitianError } from '@kaitian/errors'
import * as fc from 'fast-check'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { anyData, anyGraph, plainData, plainGraph } from './clone-arbitraries.js'
import { assertSameClone } from './same-clone.js'

const SEED = 20260
const roundTrip = (value: unknown): unknown => decode(encode(value, 4).subarray(4))

/** Structured clone is the oracle: what it makes of a value, or that it refuses it. */
function assertLikeClone(value: unknown): void {
  assertSameClone(roundTrip(value), structuredClone(value))
}

function refusal(value: unknown): KaitianError {
  try {
    encode(value)
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'MESSAGE_NOT_CLONEABLE')
    return error as KaitianError
  }
  return assert.unreachable('it was encoded') as never
}

type Test = ReturnType<typeof suite>

/** @param reader which of msgpackr's two ways to read strings is in use */
export function codecCases(reader: string): void {
  const test = suite(`codec, ${reader}`)
  for (const [name, values, numRuns] of [
    ['plain data', plainData, 1000],
    ['anything', anyData, 2000],
    ['graphs', anyGraph, 3000],
    ['graphs of plain data', plainGraph, 3000],
  ] as const) {
    test(`${name}: as structured clone has it`, () => {
      fc.assert(fc.property(values, assertLikeClone), { seed: SEED, numRuns })
    })
  }
  shapes(test)
  memory(test)
  refusals(test)
  damage(test)
  test.run()
}

function shapes(test: Test): void {
  test('an invalid date stays one', () => {
    assert.ok(Number.isNaN((roundTrip(new Date(NaN)) as Date).getTime()))
  })
  test('strings of every size class, in values and keys', () => {
    for (const unit of ['x', 'é', '語', '😀', '\ufeff', '\ud800', '\0']) {
      for (const length of [0, 1, 15, 16, 31, 32, 63, 64, 65, 255, 256, 4096, 65_535, 70_000]) {
        const text = unit.repeat(length)
        assert.is(roundTrip(text), text)
        assertLikeClone([1, { [text]: text }, `${text}end`])
      }
    }
  })
  test('objects and arrays of every size class', () => {
    for (const length of [0, 15, 16, 65_535, 65_536]) {
      const list = Array.from({ length }, (_, index) => index - 20)
      assertLikeClone(list)
      assertLikeClone(Object.fromEntries(list.map((number) => [`k${number}`, number])))
    }
  })
  test('an array with holes and properties of its own', () => {
    const alike = [1, 2, 3].slice(0, 2)
    // As many keys as elements, one of them no index.
    alike.length = 3
    for (const array of [/b/.exec('abc'), Object.assign(alike, { name: 'x' })]) {
      assertLikeClone(array)
    }
  })
}

function memory(test: Test): void {
  test('views are aligned wherever their message lies', () => {
    for (let offset = 0; offset < 16; offset++) {
      const bytes = encode({ pad: 'p'.repeat(offset), view: new Float64Array([1.5, -0]) })
      const shifted = new Uint8Array(bytes.byteLength + offset).subarray(offset)
      shifted.set(bytes)
      assert.equal((decode(shifted) as { view: Float64Array }).view, new Float64Array([1.5, -0]))
    }
  })
  test('what was decoded shares no memory with the bytes', () => {
    const bytes = encode({ view: new Uint8Array([1, 2, 3]), text: 'abc' })
    const value = decode(bytes)
    bytes.fill(0)
    assert.equal(value, { view: new Uint8Array([1, 2, 3]), text: 'abc' })
  })
  test('a forged `__proto__` reaches no prototype', () => {
    const forged = JSON.parse('{"a":[{"__proto__":{"tainted":true}}]}') as unknown
    assertLikeClone(forged)
    const named = Buffer.from('81a95f5f70726f746f5f5f81a774', 'hex')
    decode(Buffer.concat([named, Buffer.from('ainted'), Buffer.from([0xc3])]))
    assert.is(({} as { tainted?: boolean }).tainted, undefined)
  })
}

function refusals(test: Test): void {
  const cannotCross: [string, () => unknown][] = [
    ['a function', () => () => 1],
    ['a class', () => KaitianError],
    ['a symbol', () => Symbol('s')],
    ['a WeakMap', () => new WeakMap()],
    ['a WeakRef', () => new WeakRef({})],
    ['a promise', () => Promise.resolve()],
    ['a generator', () => [1].values()],
    ['a proxy', () => new Proxy({}, {})],
    ['a proxy of an array', () => new Proxy([], {})],
    ['a port', () => new MessageChannel().port1],
    ['a getter that throws', () => Object.defineProperty({}, 'x', { enumerable: true, get: fail })],
  ]
  for (const [name, make] of cannotCross) {
    test(`${name} is refused, at any place`, () => {
      for (const place of places) {
        const value = place(make())
        assert.throws(() => structuredClone(value))
        assert.match(refusal(value).message, /send plain data/)
      }
    })
  }
  test('shared memory is refused, and the sentence says how it crosses', () => {
    for (const place of places) {
      for (const shared of [new SharedArrayBuffer(8), new Int32Array(new SharedArrayBuffer(8))]) {
        assert.match(refusal(place(shared)).message, /only as a SharedRegion; send its address/)
      }
    }
  })
  test('what was refused leaves the next message whole', () => {
    refusal({ long: 'x'.repeat(5000), bad: () => 1 })
    assertLikeClone({ fine: true })
  })
  test('what nests too deep to be read is not sent', () => {
    const nest = (levels: number, around: (inner: unknown) => unknown): unknown =>
      levels === 0 ? 1 : around(nest(levels - 1, around))
    for (const around of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ next: inner }),
      (inner: unknown) => new Map([['next', inner]]),
      (inner: unknown) => new Set([inner]),
    ]) {
      assertLikeClone(nest(500, around))
      for (const levels of [501, 1500, 5000]) {
        assert.match(refusal(nest(levels, around)).message, /more than 500 levels/)
      }
    }
  })
}

const places: ((value: unknown) => unknown)[] = [
  (value) => value,
  (value) => ({ a: [1, { b: value }] }),
  (value) => new Map([['k', new Set([value])]]),
]

function fail(): never {
  throw new Error('no such luck')
}

function damage(test: Test): void {
  /** Reads, or says that it cannot. */
  const read = (bytes: Uint8Array): void => {
    try {
      decode(bytes)
    } catch (error) {
      assert.instance(error, KaitianError)
      assert.is((error as KaitianError).code, 'FRAME_INVALID')
    }
  }
  test('garbage is refused by name or read as something, and harms nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), read), { seed: SEED, numRuns: 5000 })
    assertLikeClone({ fine: true })
  })
  test('a cut message is refused', () => {
    for (const value of [{ a: 'text', b: [1.5, 'more'] }, new Map([['k', new Float64Array(3)]])]) {
      const bytes = encode(value)
      for (let length = 0; length < bytes.byteLength; length++) {
        assert.throws(() => decode(bytes.subarray(0, length)), /another process cannot be read/)
      }
    }
  })
  test('a damaged message is refused or read as another', () => {
    const whole = encode(new Map<string, unknown>([['k', [new Float64Array(3), /x/, new Date()]]]))
    const damaged = fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = new Uint8Array(whole)
      bytes[at] = byte
      return bytes
    })
    fc.assert(fc.property(damaged, read), { seed: SEED, numRuns: 5000 })
  })
}
