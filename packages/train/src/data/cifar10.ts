import { open, readdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { KaitianError } from '@kaitian/errors'
import { allocateSamples, dataSetOf, type DataSet, type RawSamples } from './dataset.js'

const CLASSES = 10
const SIDE = 32
const CHANNELS = 3
const PLANE = SIDE * SIDE
const RECORD = 1 + CHANNELS * PLANE
const TRAIN_FILE = /^data_batch_(\d+)\.bin$/
const TEST_FILE = 'test_batch.bin'

/**
 * Reads the binary version of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html)
 * from `folder`: every `data_batch_<n>.bin` in the order of n, and `test_batch.bin`.
 * A record is 1 label byte and 3 planes of 32 × 32 bytes (red, green, blue); the
 * samples come out NHWC.
 *
 * @throws KaitianError DATA_MISSING when the folder or a file is not there or
 *   cannot be read; DATA_CORRUPT when a file is not in this format.
 */
export async function readCifar10(folder: string): Promise<DataSet> {
  const train = await readRecords(folder, await trainFiles(folder))
  const test = await readRecords(folder, [TEST_FILE])
  return dataSetOf('cifar-10', CLASSES, train, test)
}

async function trainFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw missing(`The CIFAR-10 folder ${folder} cannot be read`, { folder }, cause)
  })
  const files = names
    .filter((name) => TRAIN_FILE.test(name))
    .toSorted((a, b) => number(a) - number(b))
  if (files.length > 0) return files
  throw missing(`The CIFAR-10 folder ${folder} holds no data_batch_<n>.bin`, { folder })
}

function number(file: string): number {
  return Number(TRAIN_FILE.exec(file)?.[1])
}

async function readRecords(folder: string, files: readonly string[]): Promise<RawSamples> {
  const parts: Uint8Array[] = []
  for (const file of files) parts.push(await readChecked(join(folder, file)))
  const count = parts.reduce((sum, part) => sum + part.length / RECORD, 0)
  const samples = allocateSamples(count, [SIDE, SIDE, CHANNELS])
  let first = 0
  for (const part of parts) {
    unpack(part, samples, first)
    first += part.length / RECORD
  }
  return samples
}

/** The bytes of one file, once its size and all of its labels have been found right. */
async function readChecked(file: string): Promise<Uint8Array> {
  const handle = await open(file).catch((cause: unknown) => {
    throw missing(`The CIFAR-10 file ${file} cannot be opened`, { file }, cause)
  })
  try {
    const bytes = await readWhole(handle, file)
    checkLabels(bytes, file)
    return bytes
  } finally {
    await handle.close()
  }
}

/** The size is checked before the read: a foreign file may be too large for memory. */
async function readWhole(handle: FileHandle, file: string): Promise<Uint8Array> {
  const status = await handle.stat()
  if (!status.isFile()) throw missing(`${file} is not a file`, { file })
  if (status.size === 0) throw corrupt(file, 'it is empty')
  if (status.size % RECORD !== 0) {
    const rest = status.size % RECORD
    throw corrupt(
      file,
      `its ${status.size} bytes are not whole records of ${RECORD} (${rest} left over), ` +
        'so it was cut short or is not the binary version',
    )
  }
  return handle.readFile()
}

function checkLabels(bytes: Uint8Array, file: string): void {
  for (let record = 0; record < bytes.length / RECORD; record++) {
    const label = bytes[record * RECORD]
    if (label >= CLASSES) {
      throw corrupt(file, `record ${record} has label ${label}, and labels are 0 to ${CLASSES - 1}`)
    }
  }
}

/** Planar records to NHWC samples `first`, `first` + 1, … */
function unpack(bytes: Uint8Array, samples: RawSamples, first: number): void {
  for (let record = 0; record < bytes.length / RECORD; record++) {
    const from = record * RECORD
    const sample = first + record
    samples.labels[sample] = bytes[from]
    let to = sample * PLANE * CHANNELS
    for (let pixel = from + 1; pixel <= from + PLANE; pixel++) {
      samples.pixels[to++] = bytes[pixel]
      samples.pixels[to++] = bytes[pixel + PLANE]
      samples.pixels[to++] = bytes[pixel + 2 * PLANE]
    }
  }
}

const ADVICE = 'point to an unpacked "CIFAR-10 binary version (suitable for C programs)"'

function missing(what: string, fields: Record<string, unknown>, cause?: unknown): KaitianError {
  const why = cause instanceof Error ? ` (${cause.message})` : ''
  return new KaitianError('DATA_MISSING', `${what}${why}; ${ADVICE}.`, { fields, cause })
}

function corrupt(file: string, what: string): KaitianError {
  const sentence = `${file} is not a CIFAR-10 file: ${what}; ${ADVICE}.`
  return new KaitianError('DATA_CORRUPT', sentence, { fields: { file } })
}
