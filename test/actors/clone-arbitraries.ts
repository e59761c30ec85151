import * as fc from 'fast-check'

/** Any UTF-16 units: lone surrogates and byte order marks too, short and past msgpack's sizes. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0xfeff, 0xd800, 0xdfff)), {
      maxLength: 80,
    })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom('x'.repeat(31), 'é'.repeat(40), '\ufeff'.repeat(70), '😀'.repeat(300)),
)

const key = fc.oneof(
  fc.string({ maxLength: 8 }),
  text,
  fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', 'toJSON', 'length', '0', '-1'),
)

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.constantFrom(-0, NaN, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31) - 1),
)

const bigint = fc.oneof(
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.constantFrom(2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 64n, -(2n ** 5000n)),
)

const scalar = fc.oneof(number, text, bigint, fc.boolean(), fc.constantFrom(null, undefined))

const viewTypes = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const

/** A view that starts somewhere inside its buffer. */
const view = fc
  .record({
    type: fc.constantFrom(...viewTypes),
    bytes: fc.uint8Array({ maxLength: 100 }),
    start: fc.nat(3),
    length: fc.nat(6),
  })
  .map(({ type, bytes, start, length }) => {
    const width = type.BYTES_PER_ELEMENT
    const buffer = new ArrayBuffer((start + length) * width + bytes.length)
    new Uint8Array(buffer).set(bytes)
    return new type(buffer, start * width, length)
  })

/** An invalid one does not even equal itself for node:assert; it has a test of its own. */
const date = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(new Date(-1), new Date(8.64e15), new Date(1.5e12 + 1)),
)

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  scalar,
  date,
  view,
  view.map(({ buffer }) => new DataView(buffer, Math.min(1, buffer.byteLength))),
  view.map(({ buffer }) => buffer),
  fc.constantFrom(/a+/gu, /[\ud800]/),
)

/** Plain data as messages mostly are. */
export const plainData = fc.object({
  key: fc.string({ maxLength: 8 }),
  values: [fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)],
  maxDepth: 4,
})

/** Whatever fast-check knows of, boxed values, sparse arrays and null prototypes included. */
export const anyData = fc.anything({
  key,
  values: [scalar, date],
  withBigInt: true,
  withBoxedValues: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})

/** Containers that hold each other at random: cycles, shared parts, themselves. */
function graph(kinds: string[], leaves: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const entries = fc.array(fc.tuple(key, fc.oneof(fc.nat(9), leaves)), { maxLength: 6 })
  const node = fc.record({ kind: fc.constantFrom(...kinds), entries })
  return fc.array(node, { minLength: 1, maxLength: 10 }).map((nodes) => {
    const containers = nodes.map(({ kind }) => emptyContainer(kind))
    nodes.forEach((from, index) => {
      for (const [name, inner] of from.entries) {
        // Small whole numbers stand for the container of that place.
        const link = typeof inner === 'number' ? containers[inner] : undefined
        put(containers[index], name, link ?? inner)
      }
    })
    return containers[0]
  })
}

export const anyGraph = graph(['object', 'array', 'map', 'set', 'bare', 'instance'], leaf)

/** Nothing but the sharing keeps these from being plain. */
export const plainGraph = graph(['object', 'array'], fc.string({ maxLength: 3 }))

function emptyContainer(kind: string): object {
  switch (kind) {
    case 'array':
      return []
    case 'map':
      return new Map()
    case 'set':
      return new Set()
    case 'bare':
      return Object.create(null) as object
    case 'instance':
      return new Instance()
    default:
      return {}
  }
}

class Instance {
  readonly own = 'field'
  #hidden = 1

  /** A clone has neither the method nor what only it can reach. */
  method(): number {
    return this.#hidden
  }
}

function put(container: object, name: string, value: unknown): void {
  if (container instanceof Map) container.set(name, value)
  else if (container instanceof Set) container.add(value)
  else if (Array.isArray(container) && /^\d|^length$/.test(name)) container.push(value)
  else Object.defineProperty(container, name, { value, ...ordinary })
}

const ordinary = { configurable: true, enumerable: true, writable: true }
