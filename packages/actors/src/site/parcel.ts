import { KaitianError } from '@kaitian/errors'
import type { TransferListItem } from 'node:worker_threads'
import { Handle, type Sender } from '../actor/handle.js'
import type { Address, Parcel } from './wire.js'

/** Stands in a message for a ref. Users' objects do not have this key. */
const refKey = '@kaitian/ref'

const transfers = new WeakMap<object, readonly TransferListItem[]>()

/**
 * Marks a payload, a reply or an item: when it crosses to another thread, `transfer` is moved and
 * not copied, and is detached here. `ref.tell.batch(move({ data }, [data.buffer]))`. In one thread
 * it changes nothing, since there messages are passed by reference.
 *
 * @throws `MESSAGE_NOT_CLONEABLE` when something in `transfer` cannot be moved: it is shared memory,
 * detached, or there twice
 */
export function move<T extends object>(value: T, transfer: readonly TransferListItem[]): T {
  checkMovable(transfer)
  transfers.set(value, transfer)
  return value
}

/**
 * Also when it is posted, since what was movable may have been detached since: Node.js posts that
 * without a word, and the receiver then loses the whole post.
 *
 * @throws `MESSAGE_NOT_CLONEABLE`
 */
export function checkMovable(transfer: readonly TransferListItem[]): void {
  const seen = new Set<TransferListItem>()
  for (const item of transfer) {
    const problem = seen.has(item) ? 'is there twice' : whyNotMovable(item)
    if (problem !== undefined) {
      throw new KaitianError('MESSAGE_NOT_CLONEABLE', `A transfer list holds what ${problem}`)
    }
    seen.add(item)
  }
}

function whyNotMovable(item: unknown): string | undefined {
  if (item instanceof SharedArrayBuffer) return 'is shared memory; send it as it is'
  if (ArrayBuffer.isView(item)) return 'is a view; name its buffer'
  if (item instanceof ArrayBuffer && isDetached(item)) return 'is detached'
  return typeof item === 'object' && item !== null ? undefined : 'is no object'
}

function isDetached(buffer: ArrayBuffer): boolean {
  // `detached` needs Node 21.
  if (buffer.byteLength > 0) return false
  try {
    return new Uint8Array(buffer).length > 0
  } catch {
    return true
  }
}

export function transferOf(value: unknown): readonly TransferListItem[] | undefined {
  return typeof value === 'object' && value !== null ? transfers.get(value) : undefined
}

/**
 * A value, with addresses in place of refs, as structured clone takes it. Refs are looked for
 * in plain objects and arrays only. What holds no ref is passed on as it is, not copied.
 */
export function pack(value: unknown, sender: Sender): Parcel {
  if (!holdsRef(value, 0, undefined)) return { value, refs: false }
  return { value: packValue(value, sender, new Map()), refs: true }
}

/** @param open makes the ref for an address, in the receiving thread */
export function unpack(body: Parcel, open: (address: Address) => Handle): unknown {
  return body.refs ? unpackValue(body.value, open, new Set()) : body.value
}

/** Below this, what was seen is noted, so that a cycle ends; above, the note would cost more than the walk. */
const shallow = 4

export function holdsRef(value: unknown, depth: number, seen: Set<object> | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Handle) return true
  if (!isContainer(value)) return false
  let noted = seen
  if (depth >= shallow) {
    noted ??= new Set()
    if (noted.has(value)) return false
    noted.add(value)
  }
  for (const key in value) {
    const part = value[key]
    if (typeof part === 'object' && holdsRef(part, depth + 1, noted)) return true
  }
  return false
}

/** @param copies what was copied already, so that cycles and shared parts stay what they are */
export function packValue(value: unknown, sender: Sender, copies: Map<object, Container>): unknown {
  if (value instanceof Handle) return { [refKey]: addressOf(value, sender) }
  if (!isContainer(value)) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const copy = (Array.isArray(value) ? [] : {}) as Container
  copies.set(value, copy)
  for (const key of Object.keys(value)) {
    // Assigning to an own `__proto__` would not be a plain write.
    if (key !== '__proto__') copy[key] = packValue(value[key], sender, copies)
  }
  return copy
}

function addressOf(handle: Handle, sender: Sender): Address {
  if (Handle.senderOf(handle) === sender) return Handle.targetOf(handle).address
  throw new KaitianError(
    'MESSAGE_NOT_CLONEABLE',
    `The ref ${handle.path} belongs to another actor system; send it only within its own`,
    { fields: { path: handle.path } },
  )
}

/** In place: the value is a fresh clone that nobody else holds. */
export function unpackValue(
  value: unknown,
  open: (address: Address) => Handle,
  seen: Set<object>,
): unknown {
  if (!isContainer(value) || seen.has(value)) return value
  if (Object.hasOwn(value, refKey)) return open(value[refKey] as Address)
  seen.add(value)
  for (const key of Object.keys(value)) {
    if (key !== '__proto__') value[key] = unpackValue(value[key], open, seen)
  }
  return value
}

/** A plain object, or an array looked at as one. */
type Container = Record<string, unknown>

function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
