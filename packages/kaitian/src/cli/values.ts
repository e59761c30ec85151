import { KaitianError } from '@kaitian/errors'
import type { Pace } from '@kaitian/train'
import { parseSize } from '../bench/sizes.js'

// Readers of option values: each takes what was typed and gives the value, or refuses what cannot
// be read. What a value may be is not theirs to say.

/** What does not look like a number stays what it is, and is refused as such. */
export function asNumber(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : text
}

/** `--pace group=alpha+beta`, in milliseconds and milliseconds a sample; repeatable. */
export function readPace(
  text: string,
  before: ReadonlyMap<string, Pace> = new Map(),
): ReadonlyMap<string, Pace> {
  const [, group, alpha, beta] = /^([^=]+)=([\d.]+)\+([\d.]+)$/.exec(text) ?? []
  const [alphaMs, betaMs] = [Number(alpha), Number(beta)]
  if (group === undefined || !Number.isFinite(alphaMs) || !Number.isFinite(betaMs)) {
    return refuse('--pace', text, 'must be group=alpha+beta in ms, e.g. a=8+0.5')
  }
  return new Map([...before, [group, { alphaMs, betaMs }]])
}

/** `--port group=port`; repeatable. */
export function readPorts(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, group, port] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (group === undefined) return refuse('--port', text, 'must be group=port, e.g. a=7000')
  return Object.fromEntries([...Object.entries(before), [group, asNumber(port)]])
}

export function readSize(option: string): (text: string) => number {
  return (text) =>
    parseSize(text) ?? refuse(option, text, 'must be a size above 0, e.g. 65536, 4KiB or 1MiB')
}

/** `--groups 2,2` */
export function readGroups(text: string): number[] {
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number)
  return refuse('--groups', text, 'must be the sizes of the groups, e.g. 2,2')
}

export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

function refuse(option: string, value: string, need: string): never {
  throw new KaitianError('BAD_ARGUMENT', `${option} ${need}; it is '${value}'.`, {
    fields: { option, value },
  })
}
