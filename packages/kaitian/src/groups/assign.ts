import { KaitianError } from '@kaitian/errors'
import type { GroupOptions, Pace } from '@kaitian/train'
import { checkGroupName, parseGroup, type GroupRequest } from './parse.js'

/** A group in full, where the short form `name=engine@device*n` cannot say it. */
export interface GroupDescription {
  readonly name: string
  readonly engine: string
  /** `['cpu:0', 'cpu:2']`, or in the short form `'cpu*2'`. */
  readonly devices: string | readonly string[]
  /** Simulates a slower device: a step takes max(own compute, alphaMs + betaMs·samples). */
  readonly pace?: Pace
  /** Engine-specific settings. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/**
 * Gives each group its devices, in the order written: `a=tfjs@cpu*2` and
 * `b=tfjs@cpu*2` become cpu:0, cpu:1 and cpu:2, cpu:3. Throws BAD_ARGUMENT when
 * a name or a device comes twice.
 */
export function assignDevices(groups: readonly (string | GroupDescription)[]): GroupOptions[] {
  if (groups.length === 0) {
    refuse('No group is named; add at least one, e.g. a=tfjs@cpu*2.', {})
  }
  const next = new Map<string, number>()
  const assigned = groups.map((group) => assignOne(group, next))
  refuseTwice(
    'Group name',
    assigned.map(({ name }) => name),
  )
  refuseTwice(
    'Device',
    assigned.flatMap(({ devices }) => devices),
  )
  return assigned
}

function assignOne(group: string | GroupDescription, next: Map<string, number>): GroupOptions {
  if (typeof group === 'string') {
    const { name, engine, ...rest } = parseGroup(group)
    return { name, engine, devices: number(rest, next) }
  }
  const { devices, ...rest } = group
  checkGroupName(group.name)
  const written = typeof devices === 'string' ? [devices] : devices
  if (written.length === 0) refuse(`Group '${group.name}' has no devices; name at least one.`, {})
  return { ...rest, devices: written.flatMap((device) => assignWritten(group, device, next)) }
}

function assignWritten(
  group: GroupDescription,
  device: string,
  next: Map<string, number>,
): readonly string[] {
  const request = parseGroup(`${group.name}=${group.engine}@${device}`)
  return number(request, next)
}

function number(
  { vendor, ordinal, count }: Pick<GroupRequest, 'vendor' | 'ordinal' | 'count'>,
  next: Map<string, number>,
): string[] {
  const first = ordinal ?? next.get(vendor) ?? 0
  next.set(vendor, Math.max(next.get(vendor) ?? 0, first + count))
  return Array.from({ length: count }, (_, index) => `${vendor}:${first + index}`)
}

function refuseTwice(what: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  refuse(`${what} '${twice}' is used twice; each must be unique in a run.`, { name: twice })
}

function refuse(sentence: string, fields: Record<string, unknown>): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}
