import { KaitianError } from '@kaitian/errors'
import { Handle, type Sender } from '../actor/handle.js'
import type { Address, Body } from './wire.js'

/** Stands in a message for a ref. Users' objects do not have this key. */
const refKey = '@kaitian/ref'

/**
 * A value, with addresses in place of refs, as structured clone takes it. Refs are looked for
 * in plain objects and arrays only. What holds no ref is passed on as it is, not copied.
 */
export function pack(value: unknown, sender: Sender): Body {
  if (!holdsRef(value, new Set())) return { value, refs: false }
  return { value: packValue(value, sender, new Map()), refs: true }
}

/** @param open makes the ref for an address, in the receiving thread */
export function unpack(body: Body, open: (address: Address) => Handle): unknown {
  return body.refs ? unpackValue(body.value, open, new Set()) : body.value
}

function holdsRef(value: unknown, seen: Set<object>): boolean {
  if (!isContainer(value)) return value instanceof Handle
  if (seen.has(value)) return false
  seen.add(value)
  for (const key in value) if (holdsRef(value[key], seen)) return true
  return false
}

/** @param copies what was copied already, so that cycles and shared parts stay what they are */
function packValue(value: unknown, sender: Sender, copies: Map<object, Container>): unknown {
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
function unpackValue(
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
