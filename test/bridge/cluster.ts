import { virtualClock, type Random, type VirtualClock } from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import {
  openEndpoint,
  type Endpoint,
  type EndpointOptions,
  type ExchangeRequest,
  type SumKernels,
} from '@kaitian/train/bridge'
import * as assert from 'uvu/assert'

export const SECRET = 'a secret for tests, thirty-two bytes or more'
export const DEADLINE_MS = 1000

/** The least that can be right, apart from the kernels under test elsewhere. */
export const kernels: SumKernels = {
  sumF32(into, parts) {
    for (let i = 0; i < into.length; i++) {
      let sum = parts[0][i]
      for (let part = 1; part < parts.length; part++) sum = Math.fround(sum + parts[part][i])
      into[i] = sum
    }
  },
  sumI64(into, parts) {
    for (let i = 0; i < into.length; i++) {
      let sum = parts[0][i]
      for (let part = 1; part < parts.length; part++) sum += parts[part][i]
      into[i] = sum
    }
  },
}

export interface Cluster extends AsyncDisposable {
  readonly clock: VirtualClock
  readonly groups: readonly string[]
  readonly endpoints: readonly Endpoint[]
}

export function options(
  group: string,
  groups: readonly string[],
  clock: VirtualClock,
): EndpointOptions {
  return { group, groups, secret: SECRET, clock, deadlineMs: DEADLINE_MS, kernels }
}

/** Endpoints of groups a, b, c …, linked to each other; time stands still unless a test moves it. */
export async function openCluster(
  size: number,
  change: (group: string) => Partial<EndpointOptions> = () => ({}),
): Promise<Cluster> {
  const clock = virtualClock()
  const groups = Array.from({ length: size }, (_, index) => 'abcdefgh'[index])
  const endpoints = await Promise.all(
    groups.map((group) => openEndpoint({ ...options(group, groups, clock), ...change(group) })),
  )
  const peers = endpoints.map(({ address }, index) => ({ group: groups[index], ...address }))
  await Promise.all(endpoints.map((endpoint) => endpoint.connect(peers)))
  const dispose = async (): Promise<void> => {
    await Promise.all(endpoints.map((endpoint) => endpoint.dispose()))
    assert.is(clock.pending, 0, 'timers left after dispose')
  }
  return { clock, groups, endpoints, [Symbol.asyncDispose]: dispose }
}

export function begin({ endpoints, groups }: Cluster, generation: number, order = groups): void {
  for (const group of order) endpoints[groups.indexOf(group)].begin(generation, order)
}

/** Where gradients lie in production, too. */
export function shared(byteLength: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(byteLength))
}

/** A request with memory of its own. */
export function request(
  generation: number,
  sequence: number,
  values: Float32Array | BigInt64Array,
): ExchangeRequest {
  const mine = shared(values.byteLength)
  mine.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  const dtype = values instanceof Float32Array ? 'f32' : 'i64'
  const into = shared(values.byteLength)
  return { generation, sequence, dtype, count: values.length, offset: 0, mine, into }
}

/** Magnitudes from 2^-14 to 2^14, so that the order of additions shows in the bits. */
export function randomFloats(random: Random, count: number): Float32Array {
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    values[i] = (random.next() - 0.5) * 2 ** (random.integer(29) - 14)
  }
  return values
}

export function randomIntegers(random: Random, count: number): BigInt64Array {
  const values = new BigInt64Array(count)
  for (let i = 0; i < count; i++) values[i] = BigInt(random.integer(2 ** 32) - 2 ** 31) << 20n
  return values
}

/** The sum in group order, computed apart from the bridge. */
export function orderedSum(parts: readonly Float32Array[] | readonly BigInt64Array[]): Buffer {
  const sum = parts[0].slice()
  if (sum instanceof Float32Array) kernels.sumF32(sum, parts as readonly Float32Array[])
  else kernels.sumI64(sum, parts as readonly BigInt64Array[])
  return Buffer.from(sum.buffer)
}

export function sameBits(actual: Uint8Array, expected: Buffer, what: string): void {
  const view = Buffer.from(actual.buffer as ArrayBuffer, actual.byteOffset, actual.byteLength)
  assert.is(Buffer.compare(view, expected), 0, what)
}

/** The error that a promise is rejected with; its rejection counts as handled from now on. */
export async function failure(promise: Promise<unknown>): Promise<KaitianError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.instance(outcome, KaitianError)
  return outcome as KaitianError
}

/** Waits, a turn of the event loop at a time, until something has come about. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000_000; turn++) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.unreachable(`never happened: ${what}`)
}

/** Gives the sockets `turns` turns of the event loop, to show that something does not happen. */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
