import { readFile } from 'node:fs/promises'
import { KaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import { writeWhole } from '../files/write-whole.js'

/**
 * The safetensors format (https://github.com/huggingface/safetensors): 8 bytes
 * of header length, little-endian; a JSON header padded with spaces; then the
 * tensors' bytes, little-endian, row-major, without gaps. Of its dtypes, the
 * four that a run writes. A whole file passes through memory, so 2 GiB is the limit.
 */
export type Tensor =
  | TensorOf<'F32', Float32Array>
  | TensorOf<'I64', BigInt64Array>
  | TensorOf<'U8', Uint8Array>
  | TensorOf<'U32', Uint32Array>

export type Dtype = 'F32' | 'I64' | 'U8' | 'U32'

interface TensorOf<Name extends Dtype, Data> {
  readonly name: string
  readonly dtype: Name
  readonly shape: readonly number[]
  /** As many values as the shape's product; an empty shape is one value. */
  readonly data: Data
}

export interface TensorFile {
  readonly tensors: Tensor[]
  readonly metadata: Record<string, string>
}

const BYTES: Readonly<Record<Dtype, number>> = { F32: 4, I64: 8, U8: 1, U32: 4 }
const LENGTH_BYTES = 8
/** The format's own bound, which keeps a foreign file from being taken for a header. */
const LONGEST_HEADER = 100_000_000
const METADATA = '__metadata__'

/**
 * Writes all or nothing, as `writeWhole` does.
 *
 * @throws KaitianError BAD_ARGUMENT when a tensor contradicts itself or a name
 *   is taken twice; FILE_WRITE_FAILED when the disk or the folder refuses.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly Tensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeWhole(path, encode(tensors, metadata))
}

/**
 * Reads a whole file and trusts none of it: the header's length, its schema,
 * every offset and every size are checked before a tensor is made.
 *
 * @throws KaitianError DATA_MISSING when the file cannot be read; FILE_CORRUPT
 *   when it breaks the format; UNSUPPORTED_DTYPE for the format's other dtypes.
 */
export async function readSafetensors(path: string): Promise<TensorFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    const sentence = `The tensor file ${path} cannot be read (${why}); check the path and its rights.`
    throw new KaitianError('DATA_MISSING', sentence, { cause, fields: { path } })
  })
  return decode(path, bytes)
}

function encode(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>>): Buffer {
  const entries: [string, unknown][] = [[METADATA, metadata]]
  const names = new Set([METADATA])
  let end = 0
  for (const tensor of tensors) {
    checkTensor(tensor, names)
    const begin = end
    end += tensor.data.byteLength
    const { dtype, shape } = tensor
    entries.push([tensor.name, { dtype, shape, data_offsets: [begin, end] }])
  }
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  // Padded so that the data begins at a multiple of 8 and may be mapped in place.
  const header = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ')
  text.copy(header)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, ...tensors.map(({ data }) => bytesOf(data))])
}

function checkTensor({ name, dtype, shape, data }: Tensor, names: Set<string>): void {
  const refuse = (what: string): never => {
    throw new KaitianError('BAD_ARGUMENT', `The tensor ${name} cannot be written: ${what}.`, {
      fields: { name, shape, values: data.length },
    })
  }
  if (names.has(name)) refuse('its name is taken; give each tensor its own')
  if (data.BYTES_PER_ELEMENT !== BYTES[dtype]) refuse(`its data are not ${dtype}`)
  if (data.length !== valuesOf(shape)) {
    refuse(
      `it has ${data.length} values and its shape [${shape.join(', ')}] wants ${valuesOf(shape)}`,
    )
  }
  names.add(name)
}

function bytesOf(data: Tensor['data']): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function valuesOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const Entry = v.strictObject({
  dtype: v.string(),
  shape: v.array(Size),
  data_offsets: v.strictTuple([Size, Size]),
})
const Metadata = v.record(v.string(), v.string())

interface Extent {
  readonly name: string
  readonly entry: v.InferOutput<typeof Entry>
}

function decode(path: string, bytes: Buffer): TensorFile {
  const header = readHeader(path, bytes)
  const extents: Extent[] = []
  let metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(header.fields)) {
    if (name === METADATA) {
      const parsed = v.safeParse(Metadata, value)
      if (!parsed.success) throw corrupt(path, 'its metadata are not texts')
      metadata = parsed.output
    } else {
      const parsed = v.safeParse(Entry, value)
      if (!parsed.success) throw corrupt(path, `the header of tensor ${name} is malformed`)
      extents.push({ name, entry: parsed.output })
    }
  }
  const data = bytes.subarray(header.end)
  checkExtents(path, extents, data.length)
  return { tensors: extents.map((extent) => tensorOf(extent, data)), metadata }
}

function corrupt(path: string, what: string): KaitianError {
  const sentence = `${path} is not a whole safetensors file: ${what}; take another copy of it.`
  return new KaitianError('FILE_CORRUPT', sentence, { fields: { path } })
}

interface Header {
  readonly fields: Record<string, unknown>
  /** Where the data begin, bytes. */
  readonly end: number
}

function readHeader(path: string, bytes: Buffer): Header {
  if (bytes.length < LENGTH_BYTES) throw corrupt(path, `it has only ${bytes.length} bytes`)
  const length = Number(bytes.readBigUInt64LE(0))
  const end = LENGTH_BYTES + length
  if (length > LONGEST_HEADER || end > bytes.length) {
    throw corrupt(path, `its header claims ${length} bytes, and the file has ${bytes.length}`)
  }
  const fields = parseJson(bytes.subarray(LENGTH_BYTES, end))
  if (fields === undefined) throw corrupt(path, 'its header is not a JSON object')
  return { fields, end }
}

/** The object that the bytes spell in UTF-8, or undefined. */
function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Tensors must tile the data exactly: no overlap, no gap, nothing left over, each the size of its shape. */
function checkExtents(path: string, extents: Extent[], size: number): void {
  let at = 0
  for (const { name, entry } of extents.toSorted(byPlace)) {
    const [begin, end] = entry.data_offsets
    const place = `tensor ${name} lies at bytes ${begin} to ${end}`
    if (begin !== at) throw corrupt(path, `${place}, and should begin at ${at}`)
    if (end < begin || end > size) throw corrupt(path, `${place} of ${size}`)
    const width = BYTES[checkDtype(name, entry.dtype, path)]
    if (end - begin !== valuesOf(entry.shape) * width) {
      throw corrupt(path, `${place}, which is not the size of [${entry.shape.join(', ')}]`)
    }
    at = end
  }
  if (at !== size) throw corrupt(path, `its last ${size - at} bytes belong to no tensor`)
}

/** Empty tensors share their beginning with the next one, so the end decides. */
function byPlace(a: Extent, b: Extent): number {
  const [beginA, endA] = a.entry.data_offsets
  const [beginB, endB] = b.entry.data_offsets
  return beginA - beginB || endA - endB
}

function checkDtype(name: string, dtype: string, path: string): Dtype {
  if (Object.hasOwn(BYTES, dtype)) return dtype as Dtype
  const known = Object.keys(BYTES).join(', ')
  throw new KaitianError(
    'UNSUPPORTED_DTYPE',
    `Tensor ${name} in ${path} is ${dtype}; convert it to one of ${known}.`,
    { fields: { path, name, dtype } },
  )
}

/** Copies, because an offset in the file need not be aligned for a typed array. */
function tensorOf({ name, entry }: Extent, data: Buffer): Tensor {
  const { shape } = entry
  const bytes = Uint8Array.from(data.subarray(...entry.data_offsets))
  switch (entry.dtype as Dtype) {
    case 'F32':
      return { name, dtype: 'F32', shape, data: new Float32Array(bytes.buffer) }
    case 'I64':
      return { name, dtype: 'I64', shape, data: new BigInt64Array(bytes.buffer) }
    case 'U32':
      return { name, dtype: 'U32', shape, data: new Uint32Array(bytes.buffer) }
    case 'U8':
      return { name, dtype: 'U8', shape, data: bytes }
  }
}
