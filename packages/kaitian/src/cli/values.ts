import { KaitianError } from '@kaitian/errors'
import type { Pace } from '@kaitian/train'
import { parseSize } from '../bench/sizes.js'

// Readers of option values: each takes what was typed and gives the value or refuses by name.

export function readWhole(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
    return refuse(option, text, 'must be a whole number')
  }
}

export function readPositive(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
    return refuse(option, text, 'must be a number above 0')
  }
}

/** `--pace group=alpha+beta`, in milliseconds and milliseconds a sample; repeatable. */
export function readPace(
  text: string,
  before: Readonly<Record<string, Pace>> = {},
): Record<string, Pace> {
  const [, group, alpha, beta] = /^([^=]+)=([\d.]+)\+([\d.]+)$/.exec(text) ?? []
  const [alphaMs, betaMs] = [Number(alpha), Number(beta)]
  if (group === undefined || !Number.isFinite(alphaMs) || !Number.isFinite(betaMs)) {
    return refuse('--pace', text, 'must be group=alpha+beta in ms, e.g. a=8+0.5')
  }
  return { ...before, [group]: { alphaMs, betaMs } }
}

/** `--port group=port`; repeatable. */
export function readPort(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const [, group, digits] = /^([^=]+)=(\d+)$/.exec(text) ?? []
  const port = Number(digits)
  if (group === undefined || port < 1 || port > 65_535) {
    return refuse('--port', text, 'must be group=port with a port from 1 to 65535, e.g. a=7000')
  }
  return { ...before, [group]: port }
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
