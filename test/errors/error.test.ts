import {
  isKaitianError,
  KaitianError,
  messageOf,
  toKaitianError,
  type ErrorCode,
  type ErrorRecord,
} from '@kaitian/errors'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runInNewContext } from 'node:vm'
import { errorTrees, shapeOf } from './trees.js'

const test = suite('errors')

const transports: readonly [string, (record: ErrorRecord) => ErrorRecord][] = [
  ['structured clone', structuredClone],
  ['JSON', (record) => JSON.parse(JSON.stringify(record)) as ErrorRecord],
]

/** What comes out at the other end as the cause. */
function across(cause: unknown, transport = transports[0][1]): unknown {
  const sent = new KaitianError('ACTOR_FAILED', 'it failed', { cause })
  return KaitianError.fromRecord(transport(sent.toRecord())).cause
}

function acrossAsError(cause: unknown): Error & Record<string, unknown> {
  const error = across(cause)
  assert.instance(error, Error)
  return error as Error & Record<string, unknown>
}

for (const [name, transport] of transports) {
  test(`class, code, cause, fields and properties come back (${name})`, () => {
    const property = fc.property(errorTrees, (cause) => {
      const sent = new KaitianError('SPAWN_FAILED', 'no', { cause, fields: { a: [1, null] } })
      const received = KaitianError.fromRecord(transport(sent.toRecord()))
      assert.equal(shapeOf(received), shapeOf(sent))
      assert.equal(received.toRecord(), sent.toRecord())
    })
    fc.assert(property, { seed: 51, numRuns: 1_000 })
  })
}

test('built-in errors are instances of their classes again', () => {
  for (const type of [
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
  ] as const) {
    const error = acrossAsError(new type('why', { cause: new Error('deeper') }))
    assert.instance(error, type)
    assert.is(Object.getPrototypeOf(error), type.prototype)
    assert.is((error.cause as Error).message, 'deeper')
    assert.equal(Object.keys(error), [])
  }
})

test('the errors of an AggregateError come along, whatever they are', () => {
  const inner = [new RangeError('a'), new KaitianError('PEER_DOWN', 'b'), 'c', undefined]
  const error = acrossAsError(new AggregateError(inner, 'all of them'))
  assert.instance(error, AggregateError)
  const errors = error.errors as unknown[]
  assert.instance(errors[0], RangeError)
  assert.is((errors[1] as KaitianError).code, 'PEER_DOWN')
  assert.equal(errors.slice(2), ['c', undefined])
  assert.equal(Object.keys(error), [])
})

test('an abort’s and a time limit’s reasons keep their names', async () => {
  const controller = new AbortController()
  controller.abort()
  for (const reason of [controller.signal.reason, new DOMException('late', 'TimeoutError')]) {
    const error = acrossAsError(reason)
    assert.instance(error, DOMException)
    assert.is(error.name, (reason as Error).name)
    assert.is(error.message, (reason as Error).message)
    assert.is(error.stack, (reason as Error).stack)
    assert.is(error.code, (reason as DOMException).code)
  }
  const withCause = new DOMException('why', 'AbortError')
  Object.defineProperty(withCause, 'cause', { value: new TypeError('deeper') })
  assert.instance(acrossAsError(withCause).cause, TypeError)
})

test('a system error keeps its code, which does not make it one of ours', () => {
  let thrown: unknown
  try {
    readFileSync('/no/such/file')
  } catch (error) {
    thrown = error
  }
  const error = acrossAsError(thrown)
  assert.not.instance(error, KaitianError)
  assert.equal(Object.fromEntries(Object.entries(error)), {
    errno: error.errno,
    code: 'ENOENT',
    syscall: 'open',
    path: '/no/such/file',
  })
  assert.type(error.errno, 'number')
})

test('a class of somebody else keeps its name and its base', () => {
  class OutOfRange extends RangeError {
    override name = 'OutOfRange'
    readonly limit = 3
  }
  const error = acrossAsError(new OutOfRange('why'))
  assert.instance(error, RangeError)
  assert.is(error.name, 'OutOfRange')
  assert.is(error.limit, 3)
  assert.equal(Object.keys(error), ['limit'])
})

test('a record’s class is one of the built-in ones, or Error', () => {
  for (const name of ['constructor', '__proto__', 'Map', 'toString']) {
    const code: ErrorCode = 'INTERNAL'
    const cause = { name, message: 'why' }
    const error = KaitianError.fromRecord({ name: 'KaitianError', code, message: 'x', cause })
    assert.is(Object.getPrototypeOf(error.cause), Error.prototype)
    assert.is((error.cause as Error).name, name)
  }
})

test('errors of another realm are errors', () => {
  const error = acrossAsError(runInNewContext('Object.assign(new TypeError("why"), { n: 1 })'))
  assert.instance(error, TypeError)
  assert.is(error.message, 'why')
  assert.is(error.n, 1)
})

test('what was thrown instead of an error comes back as it was', () => {
  for (const thrown of ['text', 5, null, false, { reason: ['x'] }, []]) {
    for (const [, transport] of transports) assert.equal(across(thrown, transport), thrown)
  }
  const { message } = toKaitianError({ a: 1 }, 'ACTOR_FAILED', 'it failed')
  assert.is(message, 'it failed: [object Object]')
})

test('what cannot be sent is named instead', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const named: [unknown, string][] = [
    [Symbol('why'), 'Symbol(why)'],
    [() => 1, '() => 1'],
    [new Map(), '[object Map]'],
    [5n, '5'],
    [cyclic, '[object Object]'],
    [new Proxy({}, {}), '[object Object]'],
  ]
  for (const [value, text] of named) assert.is(acrossAsError(value).message, text)
  const unprintable = Object.assign(Object.create(null) as object, { fn: () => 1 })
  assert.is(acrossAsError(unprintable).message, 'a value that cannot be printed')
  assert.match(
    toKaitianError(unprintable, 'INTERNAL', 'it failed').message,
    /^it failed: a value that cannot/,
  )
})

test('properties and fields that are no plain data are left out, and only they', () => {
  let deep: unknown = 1
  for (let i = 0; i < 1_000; i++) deep = [deep]
  const shared = { x: 1 }
  const properties = {
    fn: () => 1,
    symbol: Symbol('s'),
    big: 1n,
    socket: new Set([1]),
    handle: Object.create({ close: 1 }) as object,
    request: { headers: { on: () => 1 } },
    list: Object.assign([1], { groups: () => 1 }),
    deep,
    proxy: new Proxy({}, {}),
    get broken() {
      throw new Error('getter')
    },
    code: 'E_OTHER',
    twice: [shared, shared],
    nothing: undefined,
    bare: Object.assign(Object.create(null) as object, { y: 2 }),
  }
  const kept = { code: 'E_OTHER', twice: [shared, shared], nothing: undefined, bare: { y: 2 } }
  const foreign = Object.defineProperties(
    new Error('why'),
    Object.getOwnPropertyDescriptors(properties),
  )
  assert.equal(Object.fromEntries(Object.entries(acrossAsError(foreign))), kept)
  const descriptors = Object.getOwnPropertyDescriptors(properties)
  const fields = Object.defineProperties({}, descriptors)
  const ours = across(new KaitianError('BAD_ARGUMENT', 'why', { fields }))
  assert.equal((ours as KaitianError).fields, kept)
})

test('an error that throws when it is looked at still counts', () => {
  const hostile = new Error('why')
  Object.defineProperty(hostile, 'message', {
    get() {
      throw new Error('getter')
    },
  })
  assert.match(acrossAsError(hostile).message, /cannot be read/)
})

/** Throws whatever is done with it. */
function trapped(target: object): object {
  const trap = (): never => {
    throw new Error('trap')
  }
  const traps = ['get', 'getPrototypeOf', 'ownKeys', 'has', 'getOwnPropertyDescriptor']
  return new Proxy(target, Object.fromEntries(traps.map((name) => [name, trap])))
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** An error of which `name` throws when it is read, and whose other properties are as usual. */
function without(name: string, error: Error = new RangeError('why')): Error {
  return Object.defineProperty(error, name, {
    enumerable: true,
    get() {
      throw new Error('getter')
    },
  })
}

test('what is thrown may throw itself, whatever of it is read', () => {
  const properties = ['name', 'message', 'stack', 'cause', 'code', 'fields', 'errors', 'toString']
  const ours = new KaitianError('DATA_MISSING', 'why')
  const thrown = [
    Object.create(null) as object,
    trapped({}),
    trapped(new TypeError('why')),
    trapped(() => 1),
    revoked({}),
    revoked(new TypeError('why')),
    revoked(ours),
    ...properties.map((name) => without(name)),
    ...properties.map((name) => without(name, new AggregateError([1], 'why'))),
    ...properties.map((name) => without(name, new KaitianError('DATA_MISSING', 'why'))),
  ]
  for (const value of thrown) {
    assert.type(messageOf(value), 'string')
    isKaitianError(value)
    assert.instance(toKaitianError(value, 'ACTOR_FAILED', 'it failed'), KaitianError)
    for (const [, transport] of transports) {
      const cause = new AggregateError([value], 'of', { cause: value })
      const error = across(cause, transport) as AggregateError
      assert.is(error.errors.length, 1)
      assert.ok(error.cause !== undefined)
    }
  }
  assert.is(isKaitianError(ours), true)
  assert.is(isKaitianError(revoked(ours)), false)
})

test('one property that cannot be read takes no other along', () => {
  for (const name of ['name', 'stack', 'cause', 'limit']) {
    const error = acrossAsError(Object.assign(without(name), { kept: 1 }))
    assert.instance(error, RangeError)
    assert.is(error.message, 'why')
    assert.is(error.kept, 1)
  }
  const [error] = (
    across(without('cause', new AggregateError([new URIError('in')], 'why'))) as {
      errors: Error[]
    }
  ).errors
  assert.instance(error, URIError)
})

test('what gives something new each time it is read comes to an end', () => {
  const endless = (): Error => {
    const error = new AggregateError([], 'again')
    const errors = { get: () => [endless(), endless()] }
    return Object.defineProperties(error, { errors, cause: { get: endless } })
  }
  const deep = (): object =>
    Object.defineProperties(
      {},
      Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { enumerable: true, get: deep }])),
    )
  const items = Object.defineProperty(new AggregateError([], 'x'), 'errors', {
    value: (function* () {
      for (;;) yield new Error('one more')
    })(),
  })
  for (const thrown of [endless(), deep(), items, Object.assign(new Error('x'), { a: deep() })]) {
    const record = new KaitianError('INTERNAL', 'why', { cause: thrown }).toRecord()
    assert.ok(JSON.stringify(record).length < 5_000_000)
  }
})

test('what is too large to be an account of a failure is cut, or left out', () => {
  const long = 'x'.repeat(10_000_000)
  const error = Object.assign(new TypeError(long), { long, short: 'y' })
  const received = acrossAsError(error)
  assert.match(received.message, /^x{1000}/)
  assert.match(received.message, /9900000 characters more\)$/)
  assert.equal(Object.keys(received), ['short'])
  assert.ok(toKaitianError(error, 'ACTOR_FAILED', 'it failed').message.length < 200_000)
  // Small in memory, but not where sharing is not kept.
  let shared: unknown = 'x'
  for (let i = 0; i < 60; i++) shared = [shared, shared]
  const gap = Object.assign([], { 0: 1, 2: 3 })
  const fields = { shared, gaps: Object.assign([], { length: 2 ** 31 }), kept: gap }
  const ours = across(new KaitianError('BAD_ARGUMENT', 'why', { fields }))
  assert.equal(Object.keys((ours as KaitianError).fields), ['kept'])
})

test('in JSON an error is its record, wherever it stands', () => {
  const error = new KaitianError('BAD_ARGUMENT', 'why', { cause: new RangeError('because') })
  assert.equal(
    JSON.parse(JSON.stringify({ error })),
    JSON.parse(JSON.stringify({ error: error.toRecord() })),
  )
})

test('a record stays as it was made', () => {
  let reads = 0
  const inner = Object.defineProperty({}, 'reads', { enumerable: true, get: () => ++reads })
  const fields = { list: [1], inner }
  const record = new KaitianError('BAD_ARGUMENT', 'why', { fields }).toRecord()
  fields.list.push(2)
  assert.equal(record.fields, { list: [1], inner: { reads: 1 } })
  assert.equal(structuredClone(record).fields, record.fields)
  assert.is(reads, 1)
})

test('cycles and endless chains of causes come to an end', () => {
  const [a, b] = [new Error('a'), new TypeError('b')]
  a.cause = b
  b.cause = new AggregateError([a, b], 'both', { cause: a })
  const error = acrossAsError(a)
  const both = (error.cause as Error).cause as AggregateError
  assert.equal(
    both.errors.map((inner: Error) => [inner.message, inner.cause]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  )
  assert.is((both.cause as Error).message, 'a')

  let chain = new Error('0')
  for (let i = 1; i <= 100_000; i++) chain = new Error(`${i}`, { cause: chain })
  assert.is(lengthOf(acrossAsError(chain)), 15)
  let record: ErrorRecord = { name: 'Error', message: 'x' }
  for (let i = 0; i < 100_000; i++) {
    record = {
      name: 'Error',
      message: 'x',
      cause: record,
      errors: [record],
      base: 'AggregateError',
    }
  }
  assert.is(lengthOf(KaitianError.fromRecord({ ...record, code: 'INTERNAL' })), 16)
})

test('an error that many share is recorded in proportion', () => {
  let shared: Error = new Error('x'.repeat(100))
  for (let i = 0; i < 15; i++) shared = new AggregateError([shared, shared, shared], 'again')
  const record = new KaitianError('INTERNAL', 'why', { cause: shared }).toRecord()
  assert.ok(JSON.stringify(record).length < 100_000)
})

test('records of earlier versions are read', () => {
  const cause = { name: 'TypeError', message: 'why', stack: 'at x' }
  const code: ErrorCode = 'ACTOR_FAILED'
  const error = KaitianError.fromRecord({ name: 'KaitianError', code, message: 'it failed', cause })
  assert.equal([error.code, error.fields], [code, {}])
  assert.instance(error.cause, TypeError)
  assert.is((error.cause as Error).stack, 'at x')
})

function lengthOf(error: Error): number {
  let length = 1
  for (let at = error; at.cause !== undefined; at = at.cause as Error) length++
  return length
}

test.run()
