import { RecordError } from './failure.js'
import { Fields } from './fields.js'

/** Bytes of one element of the dtypes that a record uses. */
const widths = { F32: 4, U32: 4, U8: 1 } as const
type DType = keyof typeof widths

/** A safetensors file: eight bytes of header length, a JSON header, then the data. */
export class Safetensors {
  readonly #where: string
  readonly #header: Fields
  readonly #data: Uint8Array

  /** @throws RecordError when the file is damaged. */
  constructor(bytes: Uint8Array, where: string) {
    this.#where = where
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true))
    if (length > bytes.length - 8) throw new RecordError(`${where}: the header is cut off`)
    let header: unknown
    try {
      header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
    } catch (cause) {
      throw new RecordError(`${where}: the header is not JSON`, { cause })
    }
    this.#header = new Fields(header, where)
    this.#data = bytes.subarray(8 + length)
    this.#refuseRest()
  }

  /** The tensors lie one behind the other, and nothing lies behind the last. */
  #refuseRest(): void {
    const tensors = this.#header.names().filter((name) => name !== '__metadata__')
    const ends = tensors.map((name) => this.#header.object(name).numbers('data_offsets')[1] ?? NaN)
    const end = Math.max(0, ...ends)
    if (end >= this.#data.length) return
    throw new RecordError(`${this.#where}: ${this.#data.length - end} bytes follow the last tensor`)
  }

  metadata(name: string): string {
    return this.#header.object('__metadata__').text(name)
  }

  f32(name: string, shape: readonly number[]): Float32Array {
    return new Float32Array(this.#copy(name, 'F32', shape))
  }

  u32(name: string, shape: readonly number[]): Uint32Array {
    return new Uint32Array(this.#copy(name, 'U32', shape))
  }

  u8(name: string, shape: readonly number[]): Uint8Array {
    return new Uint8Array(this.#copy(name, 'U8', shape))
  }

  /** A copy, because views of four bytes must be aligned and the file's need not be. */
  #copy(name: string, dtype: DType, shape: readonly number[]): ArrayBuffer {
    const fields = this.#header.object(name)
    const found = `${fields.text('dtype')} [${fields.numbers('shape').join(', ')}]`
    const wanted = `${dtype} [${shape.join(', ')}]`
    if (found !== wanted) {
      throw new RecordError(`${this.#where}: ${name} is ${found}, should be ${wanted}`)
    }
    const [from, to] = fields.numbers('data_offsets')
    const size = shape.reduce((product, extent) => product * extent, widths[dtype])
    if (to - from !== size || from < 0 || to > this.#data.length) {
      throw new RecordError(`${this.#where}: ${name} has ${to - from} bytes, should have ${size}`)
    }
    return this.#data.slice(from, to).buffer
  }
}
