import { KaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import type { EndpointOptions } from './endpoint.js'
import { ELEMENT_BYTES } from '@kaitian/comm-native'
import type { ExchangeRequest } from './exchange.js'
import { GroupName } from './frame.js'

/** Bad input is refused here, before a socket or a timer exists. */

function refuse(sentence: string, fields: Record<string, unknown> = {}): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}

export function checkEndpoint(options: EndpointOptions): void {
  const { group, groups, secret, port = 0, deadlineMs } = options
  for (const name of groups) {
    if (v.safeParse(GroupName, name).success) continue
    refuse(`"${name}" is no name for a group; use up to 64 characters, no spaces, no commas.`)
  }
  if (new Set(groups).size < groups.length) refuse('Two groups have the same name.', { groups })
  if (!groups.includes(group)) refuse(`Group "${group}" is not in the list of groups.`, { groups })
  if (secret === '') refuse('The secret is empty; give all groups the same random text.')
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    refuse(`${port} is no port; use 0 to 65535.`, { port })
  }
  if (!(deadlineMs > 0)) refuse(`deadlineMs must be above 0, not ${deadlineMs}.`, { deadlineMs })
}

interface Beginning {
  readonly generation: number
  readonly order: readonly string[]
  readonly group: string
  readonly groups: readonly string[]
  readonly current: number
}

export function checkBegin({ generation, order, group, groups, current }: Beginning): void {
  if (!Number.isSafeInteger(generation) || generation <= current) {
    refuse(
      `Generation ${generation} cannot follow ${current}; generations are integers and grow.`,
      {
        generation,
        current,
      },
    )
  }
  if (!order.includes(group)) refuse(`Group "${group}" must itself take part.`, { order })
  if (new Set(order).size < order.length) refuse('A group takes part twice.', { order })
  const unknown = order.find((name) => !groups.includes(name))
  if (unknown !== undefined) refuse(`"${unknown}" is no group of this run.`, { order, groups })
}

export function checkExchange(request: ExchangeRequest): void {
  const { dtype, count, mine, into } = request
  for (const name of ['generation', 'sequence', 'count', 'offset'] as const) {
    const value = request[name]
    if (!Number.isSafeInteger(value) || value < 0) {
      refuse(`${name} must be an integer ≥ 0, not ${value}.`, { [name]: value })
    }
  }
  if (!Object.hasOwn(ELEMENT_BYTES, dtype)) {
    throw new KaitianError(
      'UNSUPPORTED_DTYPE',
      `The element type '${dtype}' is not supported; use 'f32' or 'i64'.`,
      { fields: { dtype } },
    )
  }
  const width = ELEMENT_BYTES[dtype]
  for (const [name, view] of Object.entries({ mine, into })) {
    if (view.byteLength !== count * width) {
      refuse(`${name} has ${view.byteLength} bytes; ${count} × ${dtype} take ${count * width}.`)
    }
    if (view.byteOffset % width !== 0) {
      refuse(`${name} starts at byte ${view.byteOffset}, which is no multiple of ${width}.`)
    }
  }
  const distance = Math.abs(mine.byteOffset - into.byteOffset)
  if (mine.buffer === into.buffer && distance > 0 && distance < mine.byteLength) {
    refuse('into overlaps mine; keep them apart, or give the very same bytes.')
  }
}
