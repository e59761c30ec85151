import type { Data, Membership } from '@kaitian/comm-native'

/** Input that a call must refuse, by name, and with which code. */
export const REFUSALS = {
  'recv shorter than send': 'BAD_ARGUMENT',
  'send that is no whole number of pieces': 'BAD_ARGUMENT',
  'allgather into too little': 'BAD_ARGUMENT',
  'gather into too little': 'BAD_ARGUMENT',
  'scatter from too much': 'BAD_ARGUMENT',
  'reduceScatter of uneven pieces': 'BAD_ARGUMENT',
  'recv that overlaps send': 'BAD_ARGUMENT',
  'recv that overlaps send from below': 'BAD_ARGUMENT',
  'a piece that lies askew in the whole': 'BAD_ARGUMENT',
  "another rank's piece as one's own": 'BAD_ARGUMENT',
  "a result in another rank's piece": 'BAD_ARGUMENT',
  'an array of another type than dtype says': 'BAD_ARGUMENT',
  'arrays of two types': 'BAD_ARGUMENT',
  'no typed array': 'BAD_ARGUMENT',
  'an array of a type that is not carried': 'BAD_ARGUMENT',
  'no send': 'BAD_ARGUMENT',
  'root beyond the last rank': 'BAD_ARGUMENT',
  'root below 0': 'BAD_ARGUMENT',
  'root that is no integer': 'BAD_ARGUMENT',
  'a message to oneself': 'BAD_ARGUMENT',
  'a message from oneself': 'BAD_ARGUMENT',
  'a message to nobody': 'BAD_ARGUMENT',
  'a resizable buffer': 'BAD_ARGUMENT',
  'a resizable recv': 'BAD_ARGUMENT',
  'a large resizable buffer': 'BAD_ARGUMENT',
  'a message in a resizable buffer': 'BAD_ARGUMENT',
  'a type of no such name': 'UNSUPPORTED_DTYPE',
  'an operation of no such name': 'UNSUPPORTED_OP',
  'the mean of i64': 'UNSUPPORTED_OP',
  'the mean of i32': 'UNSUPPORTED_OP',
  'the mean of i8': 'UNSUPPORTED_OP',
  'the mean of u8': 'UNSUPPORTED_OP',
} as const

export type Refusal = keyof typeof REFUSALS

type Attempt = (membership: Membership) => Promise<void>

function floats(length: number): Float32Array {
  return new Float32Array(length)
}

/** `length` elements from element `from` on of one memory. */
function within(memory: Float32Array, from: number, length: number): Float32Array {
  return memory.subarray(from, from + length)
}

const memory = floats(64)

const SHAPES: Partial<Record<Refusal, Attempt>> = {
  'recv shorter than send': (m) => m.allreduce({ send: floats(4), recv: floats(3) }),
  'send that is no whole number of pieces': (m) => m.allToAll({ send: floats(m.size + 1) }),
  'allgather into too little': (m) => m.allgather({ send: floats(4), recv: floats(4) }),
  'gather into too little': (m) => m.gather({ send: floats(4), recv: floats(4), root: m.rank }),
  'scatter from too much': (m) =>
    m.scatter({ send: floats(4 * m.size + 1), recv: floats(4), root: m.rank }),
  'reduceScatter of uneven pieces': (m) =>
    m.reduceScatter({ send: floats(4 * m.size - 1), recv: floats(4) }),
  'recv that overlaps send': (m) =>
    m.allreduce({ send: within(memory, 0, 8), recv: within(memory, 1, 8) }),
  'recv that overlaps send from below': (m) =>
    m.allreduce({ send: within(memory, 4, 8), recv: within(memory, 0, 8) }),
  'a piece that lies askew in the whole': (m) =>
    m.allgather({ send: within(memory, 3, 4), recv: within(memory, 0, 4 * m.size) }),
}

const PIECES: Partial<Record<Refusal, Attempt>> = {
  // As others read or write that piece meanwhile, the result would be anyone's guess.
  "another rank's piece as one's own": (m) => {
    const send = within(memory, 4 * ((m.rank + 1) % m.size), 4)
    return m.allgather({ send, recv: within(memory, 0, 4 * m.size) })
  },
  "a result in another rank's piece": (m) => {
    const recv = within(memory, 4 * ((m.rank + 1) % m.size), 4)
    return m.reduceScatter({ send: within(memory, 0, 4 * m.size), recv })
  },
}

const TYPES: Partial<Record<Refusal, Attempt>> = {
  'an array of another type than dtype says': (m) => m.allreduce({ send: floats(4), dtype: 'f64' }),
  'arrays of two types': (m) => m.allreduce({ send: floats(4), recv: new Int32Array(4) }),
  'no typed array': (m) => m.allreduce({ send: [1, 2] as unknown as Data }),
  'an array of a type that is not carried': (m) =>
    m.allreduce({ send: new Uint32Array(4) as unknown as Data }),
  'no send': (m) => m.allreduce({} as { send: Data }),
  'a type of no such name': (m) => m.allreduce({ send: floats(4), dtype: 'c64' as 'f32' }),
  'an operation of no such name': (m) => m.allreduce({ send: floats(4), op: 'median' as 'sum' }),
  'the mean of i64': (m) => m.allreduce({ send: new BigInt64Array(4), op: 'avg' }),
  'the mean of i32': (m) => m.reduce({ send: new Int32Array(4), op: 'avg', root: 0 }),
  'the mean of i8': (m) => m.allreduce({ send: new Int8Array(4), op: 'avg' }),
  'the mean of u8': (m) =>
    m.reduceScatter({ send: new Uint8Array(m.size), recv: new Uint8Array(1), op: 'avg' }),
}

const RANKS: Partial<Record<Refusal, Attempt>> = {
  'root beyond the last rank': (m) => m.broadcast({ data: floats(4), root: m.size }),
  'root below 0': (m) => m.reduce({ send: floats(4), root: -1 }),
  'root that is no integer': (m) => m.gather({ send: floats(4), root: 0.5 }),
  'a message to oneself': (m) => m.send({ to: m.rank, data: floats(4) }),
  'a message from oneself': (m) => m.receive({ from: m.rank, data: floats(4) }),
  'a message to nobody': (m) => m.send({ to: m.size, data: floats(4) }),
}

function resizable(bytes: number): Float32Array {
  // Not yet in the library types of this target.
  const Buffer = ArrayBuffer as unknown as new (
    n: number,
    o: { maxByteLength: number },
  ) => ArrayBuffer
  return new Float32Array(new Buffer(bytes, { maxByteLength: 2 * bytes }))
}

const BUFFERS: Partial<Record<Refusal, Attempt>> = {
  'a resizable buffer': (m) => m.allreduce({ send: resizable(16) }),
  'a resizable recv': (m) => m.allreduce({ send: floats(4), recv: resizable(16) }),
  // Such a call does not begin in the caller's thread.
  'a large resizable buffer': (m) => m.allreduce({ send: resizable(2 ** 25) }),
  'a message in a resizable buffer': (m) =>
    m.send({ to: (m.rank + 1) % m.size, data: resizable(16) }),
}

const ATTEMPTS = { ...SHAPES, ...PIECES, ...TYPES, ...RANKS, ...BUFFERS } as Record<
  Refusal,
  Attempt
>

export function refuse(membership: Membership, refusal: Refusal): Promise<void> {
  return ATTEMPTS[refusal](membership)
}
