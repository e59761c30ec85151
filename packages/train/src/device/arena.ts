import type {
  CommBackend,
  DeviceAddress,
  DeviceContext,
  DType,
  Kernels,
  Region,
} from '@kaitian/comm-native'
import { bucketsFrom, type Bucket } from '../step/buckets.js'
import { floats, integers } from './state.js'

/**
 * A generation's gradient memory. An aborted generation's arena is retired and
 * the next gets a fresh one, because a stalled thread may still wake and write.
 *
 * A pass over one batch writes `scratch`; what is final of it is added to the
 * sums, bucket by bucket, and the last pass marks each bucket ready.
 */
export interface Arena {
  readonly regions: Readonly<Partial<Record<DType, Region>>>
  /** The sums of a bucket, for an allreduce in place. */
  part(bucket: Bucket): Float32Array | BigInt64Array
  /** Starts an attempt of `passes` passes: sums are zero, `count` samples are announced. */
  begin(attempt: { count: number; passes: number; exponents?: readonly number[] | undefined }): void
  /** Where an engine writes the gradient sums of a batch: f32 [stateSize]. */
  readonly scratch: Float32Array
  /** Takes over what `scratch` holds from element `from` on, for the pass under way. */
  collect(from: number): void
  /** Ends a pass: all of `scratch` is taken over. */
  endPass(): void
  /** Ends an attempt without any pass: every bucket is final, and zero. */
  skip(): void
  /** Buckets of the attempt's last pass that are final so far. */
  readonly collected: number
  /** Largest |gradient| of one pass in each bucket; Infinity where it left the range. */
  readonly maxima: readonly number[]
  readonly finite: boolean
  dispose(): void
}

export interface ArenaOptions {
  readonly backend: CommBackend
  readonly device: DeviceAddress
  readonly buckets: readonly Bucket[]
  /** Elements of the flat vector, the count included. */
  readonly flatSize: number
}

/** fp32: a single pass writes the sums themselves; several are added up. */
export class FloatArena implements Arena {
  readonly regions: { readonly f32: Region }
  readonly maxima: readonly number[] = []
  collected = 0
  readonly #context: DeviceContext
  readonly #sums: Float32Array
  readonly #buckets: readonly Bucket[]
  readonly #kernels: Kernels
  readonly #pass: Float32Array
  #single = false

  constructor({ backend, device, buckets, flatSize }: ArenaOptions) {
    this.#context = backend.openContext(device)
    this.regions = { f32: this.#context.allocate('gradient', flatSize * 4) }
    this.#sums = floats(this.regions.f32)
    this.#pass = new Float32Array(flatSize)
    this.#buckets = buckets
    this.#kernels = backend.kernels
  }

  get scratch(): Float32Array {
    return (this.#single ? this.#sums : this.#pass).subarray(0, -1)
  }

  begin({ count, passes }: { count: number; passes: number }): void {
    this.#single = passes === 1
    this.#sums.fill(0)
    this.#sums[this.#sums.length - 1] = count
    this.collected = 0
  }

  collect(from: number): void {
    const upTo = bucketsFrom(this.#buckets, this.collected, from)
    if (this.#single) {
      this.collected = upTo
      return
    }
    for (const { offset, count } of this.#buckets.slice(this.collected, upTo)) {
      const into = this.#sums.subarray(offset, offset + count)
      this.#kernels.sumF32(into, [into, this.#pass.subarray(offset, offset + count)])
    }
    this.collected = upTo
  }

  endPass(): void {
    this.collect(0)
    this.collected = 0
  }

  part({ offset, count }: Bucket): Float32Array {
    return this.#sums.subarray(offset, offset + count)
  }

  skip(): void {
    this.collected = this.#buckets.length
  }

  get finite(): boolean {
    return true
  }

  dispose(): void {
    this.#context.dispose()
  }
}

/**
 * Deterministic mode: each pass (one shard) is scaled by a power of two and
 * rounded to int64; integer sums do not depend on order.
 */
export class IntegerArena implements Arena {
  readonly regions: { readonly i64: Region }
  readonly scratch: Float32Array
  maxima: number[] = []
  collected = 0
  readonly #context: DeviceContext
  readonly #sums: BigInt64Array
  readonly #buckets: readonly Bucket[]
  readonly #kernels: Kernels
  #exponents: readonly number[] = []

  constructor({ backend, device, buckets, flatSize }: ArenaOptions) {
    this.#context = backend.openContext(device)
    this.regions = { i64: this.#context.allocate('gradient', flatSize * 8) }
    this.#sums = integers(this.regions.i64)
    this.scratch = new Float32Array(flatSize - 1)
    this.#buckets = buckets
    this.#kernels = backend.kernels
  }

  begin({
    count,
    exponents = [],
  }: {
    count: number
    exponents?: readonly number[] | undefined
  }): void {
    this.#sums.fill(0n)
    this.#sums[this.#sums.length - 1] = BigInt(count)
    this.#exponents = exponents
    this.maxima = this.#buckets.map(() => 0)
    this.collected = 0
  }

  collect(from: number): void {
    const upTo = bucketsFrom(this.#buckets, this.collected, from)
    for (const bucket of this.#buckets.slice(this.collected, upTo)) this.#quantise(bucket)
    this.collected = upTo
  }

  #quantise({ index, offset, count }: Bucket): void {
    const end = Math.min(offset + count, this.scratch.length)
    const sums = this.#sums.subarray(offset, end)
    const values = this.scratch.subarray(offset, end)
    const maximum = this.#kernels.quantise(sums, values, this.#exponents[index])
    const seen = Number.isFinite(maximum) ? maximum : Infinity
    this.maxima[index] = Math.max(this.maxima[index], seen)
  }

  endPass(): void {
    this.collect(0)
    this.collected = 0
  }

  part({ offset, count }: Bucket): BigInt64Array {
    return this.#sums.subarray(offset, offset + count)
  }

  skip(): void {
    this.collected = this.#buckets.length
  }

  get finite(): boolean {
    return this.maxima.every(Number.isFinite)
  }

  dispose(): void {
    this.#context.dispose()
  }
}
