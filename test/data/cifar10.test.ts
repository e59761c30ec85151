import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCifar10 } from '@kaitian/train/data'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure } from './errors.js'

const test = suite<{ folder: string }>('data/cifar10')

const RECORD = 3073

/** Records whose label is `first` + k (mod 10) and whose planes hold 10·k + 1, + 2, + 3. */
function records(first: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * RECORD)
  for (let k = 0; k < count; k++) {
    bytes[k * RECORD] = (first + k) % 10
    for (let plane = 0; plane < 3; plane++) {
      const from = k * RECORD + 1 + plane * 1024
      bytes.fill(10 * k + 1 + plane, from, from + 1024)
    }
  }
  return bytes
}

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'kaitian-cifar-'))
})

test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true })
})

async function put(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
}

test('batches are read in the order of their number, planes become channels', async ({
  folder,
}) => {
  await put(folder, {
    'data_batch_10.bin': records(7, 1),
    'data_batch_2.bin': records(3, 2),
    'test_batch.bin': records(5, 1),
    'readme.html': Buffer.from('not data'),
  })
  const data = await readCifar10(folder)
  assert.is(data.classes, 10)
  assert.equal([data.train.count, data.test.count], [3, 1])
  assert.equal([...data.train.labels], [3, 4, 7])
  assert.equal([...data.test.labels], [5])
  assert.equal([...data.train.pixels.subarray(0, 6)], [1, 2, 3, 1, 2, 3])
  assert.equal([...data.train.pixels.subarray(3072, 3075)], [11, 12, 13])
  assert.instance(data.train.pixels.buffer, SharedArrayBuffer)
})

test('rows and columns keep their place', async ({ folder }) => {
  const record = records(0, 1)
  record[1 + 2 * 1024 + 32 * 4 + 9] = 200
  await put(folder, { 'data_batch_1.bin': record, 'test_batch.bin': records(0, 1) })
  const { train } = await readCifar10(folder)
  assert.is(train.pixels.indexOf(200), (4 * 32 + 9) * 3 + 2)
})

test('mean and deviation are those of the training set, in both sets', async ({ folder }) => {
  await put(folder, { 'data_batch_1.bin': records(0, 2), 'test_batch.bin': records(0, 5) })
  const { train, test: held } = await readCifar10(folder)
  const close = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < 1e-12)
  train.mean.forEach((mean, channel) => close(mean, (6 + channel) / 255))
  train.deviation.forEach((deviation) => close(deviation, 5 / 255))
  assert.equal([held.mean, held.deviation], [train.mean, train.deviation])
})

test('a folder that is not there is named', async ({ folder }) => {
  const missing = join(folder, 'nowhere')
  assert.match((await failure(() => readCifar10(missing), 'DATA_MISSING')).message, missing)
})

test('missing batches and a missing test batch are refused', async ({ folder }) => {
  await put(folder, { 'test_batch.bin': records(0, 1) })
  assert.match((await failure(() => readCifar10(folder), 'DATA_MISSING')).message, /data_batch_/)
  await rm(join(folder, 'test_batch.bin'))
  await put(folder, { 'data_batch_1.bin': records(0, 1) })
  assert.match(
    (await failure(() => readCifar10(folder), 'DATA_MISSING')).message,
    /test_batch\.bin/,
  )
})

const broken: Record<string, { bytes: Buffer; says: RegExp }> = {
  'cut short': { bytes: records(0, 2).subarray(0, 5000), says: /5000 bytes .* records of 3073/ },
  empty: { bytes: Buffer.alloc(0), says: /empty/ },
  'with a label above 9': { bytes: Buffer.alloc(RECORD, 10), says: /record 0 has label 10/ },
  'of another format': { bytes: Buffer.from('\x80\x02}q\x01(U\x04data'), says: /binary version/ },
}

for (const [what, { bytes, says }] of Object.entries(broken)) {
  test(`a file ${what} is refused by name`, async ({ folder }) => {
    await put(folder, { 'data_batch_1.bin': records(0, 1), 'test_batch.bin': records(0, 1) })
    for (const file of ['data_batch_1.bin', 'test_batch.bin']) {
      await put(folder, { 'data_batch_1.bin': records(0, 1), 'test_batch.bin': records(0, 1) })
      await put(folder, { [file]: bytes })
      const { message } = await failure(() => readCifar10(folder), 'DATA_CORRUPT')
      assert.match(message, file)
      assert.match(message, says)
    }
  })
}

const real = process.env['KAITIAN_DATA']
if (real !== undefined) {
  test('the real data set reads, all classes and plausible statistics', async () => {
    const { train } = await readCifar10(real)
    assert.is(new Set(train.labels).size, 10)
    for (const mean of train.mean) assert.ok(mean > 0.4 && mean < 0.55, String(mean))
    for (const deviation of train.deviation) assert.ok(deviation > 0.2 && deviation < 0.3)
  })
}

test.run()
