import { isSchema, validate, type Checked, type Schema } from '@kaitian/actors/internal'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runInNewContext } from 'node:vm'
import * as v from 'valibot'
import { z } from 'zod'

const test = suite('schema')

type Validate = Schema['~standard']['validate']

function handMade(run: (value: unknown) => unknown): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate: run as Validate } }
}

/** Fails when it is not told at once. */
function now<Out>(checked: Checked<Out> | Promise<Checked<Out>>): Checked<Out> {
  assert.not.instance(checked, Promise)
  return checked as Checked<Out>
}

function issuesOf(issues: unknown): unknown {
  return now(
    validate(
      handMade(() => ({ issues })),
      1,
    ),
  )
}

const inZod = z.object({ x: z.object({ y: z.array(z.number()) }), 'a b': z.string().optional() })
const inValibot = v.object({
  x: v.object({ y: v.array(v.number()) }),
  'a b': v.optional(v.string()),
})
const libraries: readonly [string, Schema<unknown, { x: { y: number[] } }>][] = [
  ['zod', inZod],
  ['valibot', inValibot],
]

for (const [name, schema] of libraries) {
  test(`${name}: a value that fits comes back, and at once`, () => {
    assert.ok(isSchema(schema))
    const value = { x: { y: [1, 2] } }
    assert.equal(now(validate(schema, { ...value, stray: 1 })), { value })
  })

  test(`${name}: each issue says where and what`, () => {
    const result = now(validate(schema, { x: { y: [1, 'two'] }, 'a b': 3 }))
    assert.ok('issues' in result)
    assert.is(result.issues.length, 2)
    assert.match(result.issues[0], /^x\.y\[1\]: .*number/)
    assert.match(result.issues[1], /^\["a b"\]: .*string/)
    const root = now(validate(schema, 5))
    assert.ok('issues' in root)
    assert.match(root.issues[0], /^Invalid .*object/i)
  })
}

test('a schema of a library is a Schema of its types', async () => {
  const length: Schema<string, number> = z.string().transform((text) => text.length)
  const upper: Schema<string> = v.pipe(v.string(), v.toUpperCase())
  const both: [Checked<number>, Checked<string>] = [
    await validate(length, 'four'),
    await validate(upper, 'four'),
  ]
  assert.equal(both, [{ value: 4 }, { value: 'FOUR' }])
})

test('a schema that takes its time is waited for', async () => {
  const schemas: Schema<unknown, string>[] = [
    z.string().refine(async (text) => Promise.resolve(text.length > 2), 'too short'),
    v.pipeAsync(
      v.string(),
      v.checkAsync(async (text) => Promise.resolve(text.length > 2), 'too short'),
    ),
  ]
  for (const schema of schemas) {
    assert.equal(await validate(schema, 'long'), { value: 'long' })
    assert.equal(await validate(schema, 'no'), { issues: ['too short'] })
  }
  const stranger = handMade(() => runInNewContext('Promise.resolve({ value: 7 })'))
  assert.equal(await validate(stranger, 1), { value: 7 })
})

test('a transformation’s value is handed on, undefined too', () => {
  assert.equal(
    now(
      validate(
        handMade(() => ({ value: undefined })),
        1,
      ),
    ),
    { value: undefined },
  )
  assert.equal(now(validate(z.coerce.number(), '7')), { value: 7 })
})

test('paths read as in code', () => {
  const path = ['x', { key: 'y' }, 0, 'a-b', '0', { key: Symbol('s') }, 'ünï', '']
  const words = 'x.y[0]["a-b"]["0"][Symbol(s)].ünï[""]: no'
  assert.equal(issuesOf([{ message: 'no', path }]), { issues: [words] })
  assert.equal(issuesOf([{ message: 'no', path: [] }, { message: 'at all' }]), {
    issues: ['no', 'at all'],
  })
  assert.equal(issuesOf([{ message: 'no', path: [3] }]), { issues: ['[3]: no'] })
})

test('of very many issues the first are told, and how many more there are', () => {
  const issues = Array.from({ length: 1000 }, (_, i) => ({ message: 'no', path: [i] }))
  const told = (issuesOf(issues) as { issues: string[] }).issues
  assert.is(told.length, 17)
  assert.equal([told[0], told[15], told[16]], ['[0]: no', '[15]: no', 'and 984 more'])
})

test('a refusal without a reason is a refusal', () => {
  assert.equal(issuesOf([]), { issues: ['the schema refuses it without a reason'] })
})

test('a schema that fails is an issue, never a throw', async () => {
  const failure = { issues: ['the schema itself failed: why'] }
  const fail = (): never => {
    throw new Error('why')
  }
  const failing = [
    handMade(fail),
    handMade(async () => Promise.reject(new Error('why'))),
    handMade(() => ({
      get issues() {
        return fail()
      },
    })),
    handMade(() => ({
      get value() {
        return fail()
      },
    })),
    handMade(async () => ({
      get value() {
        return fail()
      },
    })),
    z.string().transform(fail),
    v.pipe(v.string(), v.transform(fail)),
  ]
  for (const schema of failing) assert.equal(await validate(schema, 'x'), failure)
})

test('a schema that gives no result lets nothing pass', async () => {
  for (const result of [undefined, null, 5, 'text', {}]) {
    for (const schema of [handMade(() => result), handMade(async () => result)]) {
      assert.ok('issues' in (await validate(schema, 1)))
    }
  }
})

test('nothing that a schema gives or throws makes validate throw', async () => {
  const hostile = fc.oneof(
    fc.anything(),
    fc.record({ issues: fc.oneof(fc.anything(), fc.array(fc.anything())) }),
    fc.record({ issues: fc.array(fc.record({ message: fc.anything(), path: fc.anything() })) }),
  )
  const property = fc.asyncProperty(
    hostile,
    fc.constantFrom('give', 'throw'),
    async (what, how) => {
      const give = (): unknown => {
        if (how === 'give') return what
        throw what
      }
      for (const schema of [handMade(give), handMade(async () => give())]) {
        const result = await validate(schema, 1)
        if (!('issues' in result)) continue
        assert.ok(result.issues.length > 0)
        for (const issue of result.issues) assert.type(issue, 'string')
      }
    },
  )
  await fc.assert(property, { seed: 61, numRuns: 1_000 })
})

test('only what speaks version 1 is a schema', () => {
  const callable = Object.assign(
    () => 1,
    handMade(() => ({ value: 1 })),
  )
  assert.ok(isSchema(callable))
  const strangers = [
    undefined,
    null,
    5,
    'schema',
    {},
    { '~standard': null },
    { '~standard': { version: 2, vendor: 'x', validate: () => 1 } },
    { '~standard': { version: 1, vendor: 'x' } },
    () => 1,
    { parse: () => 1 },
  ]
  for (const stranger of strangers) assert.not(isSchema(stranger))
})

test.run()
