import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KaitianError } from '@kaitian/errors'
import { readSafetensors, writeSafetensors, type Tensor } from '@kaitian/train/checkpoint'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from '../data/errors.js'

const test = suite<{ folder: string; path: string }>('checkpoint/safetensors')

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'kaitian-tensors-'))
  context.path = join(context.folder, 'model.safetensors')
})

test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true })
})

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 })

/** Any tensor of any of the four dtypes, NaN payloads and empty shapes included. */
const tensors: fc.Arbitrary<Tensor> = fc
  .record({ name: fc.string({ unit: 'grapheme' }), shape: shapes, fill: fc.nat() })
  .chain(({ name, shape, fill }) => {
    const length = shape.reduce((product, size) => product * size, 1)
    const bytes = (width: number) =>
      Uint8Array.from({ length: length * width }, (_, i) => (fill * 31 + i * 97) & 255).buffer
    return fc.constantFrom<Tensor>(
      { name, shape, dtype: 'F32', data: new Float32Array(bytes(4)) },
      { name, shape, dtype: 'I64', data: new BigInt64Array(bytes(8)) },
      { name, shape, dtype: 'U32', data: new Uint32Array(bytes(4)) },
      { name, shape, dtype: 'U8', data: new Uint8Array(bytes(1)) },
    )
  })

const files = fc.uniqueArray(tensors, { selector: ({ name }) => name, maxLength: 6 })

/** Bytes rather than values: NaN differs from itself, −0 equals 0. */
function plain({ name, dtype, shape, data }: Tensor): unknown {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')
  return { name, dtype, shape: [...shape], bytes }
}

function byName(a: Tensor, b: Tensor): number {
  return a.name < b.name ? -1 : 1
}

/** Keys that a reader drops, because they would reach into a plain object's prototype. */
const UNSAFE = ['__proto__', 'constructor', 'prototype']

test('what was written is read back bit for bit', async ({ path }) => {
  const texts = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4, noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(files, texts, async (written, metadata) => {
      await writeSafetensors(path, written, metadata)
      const read = await readSafetensors(path)
      assert.equal(read.tensors.toSorted(byName).map(plain), written.toSorted(byName).map(plain))
      const kept = Object.entries(metadata).filter(([key]) => !UNSAFE.includes(key))
      assert.equal(read.metadata, Object.fromEntries(kept))
    }),
    { seed: 21, numRuns: 60 },
  )
})

test('the file is the documented format', async ({ path }) => {
  const data = Float32Array.of(1, -2)
  await writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [2, 1], data }], { epoch: '3' })
  const bytes = await readFile(path)
  const length = Number(bytes.readBigUInt64LE(0))
  assert.is(length % 8, 0)
  const header = bytes.toString('utf8', 8, 8 + length)
  assert.equal(JSON.parse(header), {
    __metadata__: { epoch: '3' },
    w: { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] },
  })
  assert.is(bytes.readFloatLE(8 + length + 4), -2)
  assert.is(bytes.length, 8 + length + 8)
})

test('data over shared memory and views into a larger buffer are written', async ({ path }) => {
  const shared = new Float32Array(new SharedArrayBuffer(16))
  shared.set([1, 2, 3, 4])
  const data = shared.subarray(1, 3)
  await writeSafetensors(path, [{ name: 'w', dtype: 'F32', shape: [2], data }])
  assert.equal([...(await readSafetensors(path)).tensors[0].data], [2, 3])
})

/** A file with this header, whatever it says. */
function file(header: unknown, data: number): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, Buffer.alloc(data)])
}

function entry(dtype: string, shape: unknown, ...data_offsets: unknown[]): unknown {
  return { dtype, shape, data_offsets }
}

const huge = Buffer.alloc(64)
huge.writeBigUInt64LE(2n ** 63n)

const refused: Record<string, Buffer> = {
  'is empty': Buffer.alloc(0),
  'is shorter than a header length': Buffer.alloc(7),
  'claims a huge header': huge,
  'claims a header longer than itself': file({}, 0).fill(9, 0, 1),
  'has a header that is not JSON': file('{"w":', 8),
  'has a header that is not UTF-8': Buffer.concat([
    file('', 0).fill(2, 0, 1),
    Buffer.of(0xff, 0xfe),
  ]),
  'has a header that is an array': file([], 0),
  'has a tensor that is not an object': file({ w: 3 }, 8),
  'has a tensor with unknown fields': file({ w: { ...Object(entry('U8', [1], 0, 1)), x: 1 } }, 1),
  'has numbers as metadata': file({ __metadata__: { epoch: 3 } }, 0),
  'has a negative size': file({ w: entry('U8', [-1], 0, 1) }, 1),
  'has a fractional size': file({ w: entry('U8', [0.5], 0, 1) }, 1),
  'has three offsets': file({ w: entry('U8', [1], 0, 1, 1) }, 1),
  'has offsets that run backwards': file(
    { w: entry('U8', [1], 0, 1), x: entry('U8', [0], 1, 0) },
    1,
  ),
  'has a tensor past its end': file({ w: entry('U8', [9], 0, 9) }, 8),
  'has overlapping tensors': file({ a: entry('U8', [4], 0, 4), b: entry('U8', [4], 2, 6) }, 6),
  'has two tensors in one place': file({ a: entry('U8', [4], 0, 4), b: entry('U8', [4], 0, 4) }, 4),
  'has a gap': file({ a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, 3),
  'has bytes left over': file({ a: entry('U8', [1], 0, 1) }, 2),
  'has fewer bytes than its shape': file({ w: entry('F32', [3], 0, 8) }, 8),
  'has a shape beyond counting': file({ w: entry('U8', [2 ** 30, 2 ** 30, 2 ** 30], 0, 8) }, 8),
}

for (const [what, bytes] of Object.entries(refused)) {
  test(`a file that ${what} is refused by name`, async ({ path }) => {
    await writeFile(path, bytes)
    assert.match((await failure(() => readSafetensors(path), 'FILE_CORRUPT')).message, path)
  })
}

test('a dtype of the format that is not supported is named', async ({ path }) => {
  await writeFile(path, file({ w: entry('BF16', [1], 0, 2) }, 2))
  assert.match((await failure(() => readSafetensors(path), 'UNSUPPORTED_DTYPE')).message, /BF16/)
})

test('a damaged or shortened file never breaks the reader, and a shortened one is always refused', async ({
  path,
}) => {
  const data = Float32Array.of(1, 2, 3)
  const labels = Uint8Array.of(4, 5)
  await writeSafetensors(path, [
    { name: 'w', dtype: 'F32', shape: [3], data },
    { name: 'labels', dtype: 'U8', shape: [2], data: labels },
  ])
  const whole = await readFile(path)
  const header = 8 + Number(whole.readBigUInt64LE(0))
  const at = fc.integer({ min: 0, max: header - 1 })
  await fc.assert(
    fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const bytes = Buffer.from(whole)
      bytes[place] ^= flip
      await writeFile(path, bytes)
      const values = await outcome(path)
      // A changed name or a changed space is a valid file; the data stay where they were.
      if (values !== undefined)
        assert.is(
          values.reduce((sum, value) => sum + value, 0),
          15,
        )
      await writeFile(path, whole.subarray(0, place))
      assert.is(await outcome(path), undefined)
    }),
    { seed: 5, numRuns: 300 },
  )
})

/** All values, or undefined when the file was refused as it should be. */
async function outcome(path: string): Promise<number[] | undefined> {
  try {
    const { tensors: read } = await readSafetensors(path)
    return read.flatMap(({ data }) => Array.from(data, Number))
  } catch (error) {
    const codes = ['FILE_CORRUPT', 'UNSUPPORTED_DTYPE']
    if (error instanceof KaitianError && codes.includes(error.code)) return undefined
    throw error
  }
}

test('a file that is not there is named', async ({ path }) => {
  assert.match((await failure(() => readSafetensors(path), 'DATA_MISSING')).message, path)
})

test('a tensor that contradicts itself is refused before anything is written', async ({
  folder,
  path,
}) => {
  const data = Float32Array.of(1, 2)
  const good: Tensor = { name: 'w', dtype: 'F32', shape: [2], data }
  const bad: Tensor[][] = [
    [{ ...good, shape: [3] }],
    [good, good],
    [{ ...good, name: '__metadata__' }],
    [{ ...good, dtype: 'U8' } as unknown as Tensor],
  ]
  for (const each of bad) await failure(() => writeSafetensors(path, each), 'BAD_ARGUMENT')
  assert.equal(await readdir(folder), [])
})

test('a failing write says why, leaves what was there and no temporary file', async ({
  folder,
}) => {
  const good: Tensor = { name: 'w', dtype: 'U8', shape: [1], data: Uint8Array.of(1) }
  const nowhere = join(folder, 'no', 'model.safetensors')
  const absent = await failure(() => writeSafetensors(nowhere, [good]), 'FILE_WRITE_FAILED')
  assert.match(absent.message, /does not exist; create it/)
  const taken = join(folder, 'taken')
  await mkdir(taken)
  await failure(() => writeSafetensors(taken, [good]), 'FILE_WRITE_FAILED')
  assert.equal(await readdir(folder), ['taken'])
})

test.run()
