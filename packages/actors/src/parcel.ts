import { KaitianError } from '@kaitian/errors'
import { Handle, type Sender } from './handle.js'
import type { Address, Body } from './wire.js'

/** Stands in a message for a ref. Users' objects do not have this key. */
const refKey = '@kaitian/ref'

/**
 * A value, with addresses in place of refs, as structured clone takes it. Refs are looked for
 * in plain objects and arrays only. What holds no ref is passed on as it is, not copied.
 */
export function pack(value: unknown, sender: Sender): Body {
  if (typeof value !== 'object' || value === null) return { value, refs: false }
  const packer = new Packer(sender)
  const packed = packer.pack(value)
  return { value: packed, refs: packer.found }
}

/** @param open makes the ref for an address, in the receiving thread */
export function unpack(body: Body, open: (address: Address) => Handle): unknown {
  return body.refs ? unpackValue(body.value, open, new Set()) : body.value
}

class Packer {
  found = false
  readonly #sender: Sender
  /** Objects on the way down, so that a cycle ends (structured clone would take it). */
  readonly #above = new Set<object>()

  constructor(sender: Sender) {
    this.#sender = sender
  }

  pack(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Handle) return this.#address(value)
    const isArray = Array.isArray(value)
    if ((!isArray && !isPlain(value)) || this.#above.has(value)) return value
    this.#above.add(value)
    const packed = isArray ? this.#array(value) : this.#object(value as Record<string, unknown>)
    this.#above.delete(value)
    return packed
  }

  #address(handle: Handle): Record<string, Address> {
    if (Handle.senderOf(handle) !== this.#sender) {
      throw new KaitianError(
        'MESSAGE_NOT_CLONEABLE',
        `The ref ${handle.path} belongs to another actor system; send it only within its own`,
        { fields: { path: handle.path } },
      )
    }
    this.found = true
    return { [refKey]: Handle.targetOf(handle).address }
  }

  #array(items: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let i = 0; i < items.length; i++) {
      const packed = this.pack(items[i])
      if (packed === items[i]) continue
      copy ??= [...items]
      copy[i] = packed
    }
    return copy ?? items
  }

  #object(object: Record<string, unknown>): Record<string, unknown> {
    let copy: Record<string, unknown> | undefined
    for (const key of Object.keys(object)) {
      const packed = this.pack(object[key])
      // An own `__proto__` may travel, but assigning to it would not be a plain write.
      if (packed === object[key] || key === '__proto__') continue
      copy ??= { ...object }
      copy[key] = packed
    }
    return copy ?? object
  }
}

/** In place: the value is a fresh clone that nobody else holds. */
function unpackValue(
  value: unknown,
  open: (address: Address) => Handle,
  seen: Set<object>,
): unknown {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value
  if (!Array.isArray(value) && !isPlain(value)) return value
  const slots = value as Record<string, unknown>
  const address = Object.hasOwn(slots, refKey) ? slots[refKey] : undefined
  if (address !== undefined) return open(address as Address)
  seen.add(value)
  for (const key of Object.keys(slots)) {
    if (key !== '__proto__') slots[key] = unpackValue(slots[key], open, seen)
  }
  return value
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
