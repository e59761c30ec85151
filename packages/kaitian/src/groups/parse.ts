import { KaitianError } from '@kaitian/errors'
import { checkPlacement } from './catalogue.js'

/** One group as written: `name=engine@vendor[:ordinal][*count]`. */
export interface GroupRequest {
  readonly name: string
  readonly engine: string
  readonly vendor: string
  /** First device's ordinal; without it the vendor's ordinals go on where the groups before ended. */
  readonly ordinal?: number
  readonly count: number
}

const SYNTAX = /^([^=]+)=([^@=]+)@([^:*]+)(?::([^*]+))?(?:\*(.+))?$/
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/
/** Far above any one host; keeps a slip of the finger from starting a million threads. */
const MAX_DEVICES = 256

/** Reads one group, e.g. `a=tfjs@cpu*2`. Throws BAD_ARGUMENT, UNKNOWN_ENGINE or UNKNOWN_DEVICE. */
export function parseGroup(text: string): GroupRequest {
  const [, name, engine, vendor, ordinal, count] = SYNTAX.exec(text.trim()) ?? []
  if (name === undefined) {
    refuse(
      `Cannot read the group '${text}'; write name=engine@device[*n], e.g. a=tfjs@cpu*2.`,
      text,
    )
  }
  checkGroupName(name)
  checkPlacement(engine, vendor, text)
  return {
    name,
    engine,
    vendor,
    ...(ordinal === undefined ? {} : { ordinal: readInteger(ordinal, 0, 'ordinal', text) }),
    count: count === undefined ? 1 : readInteger(count, 1, 'number of devices', text),
  }
}

export function checkGroupName(name: string): void {
  if (NAME.test(name)) return
  refuse(
    `'${name}' cannot name a group; use letters, digits, '.', '_' and '-', a letter first.`,
    name,
  )
}

function readInteger(text: string, least: number, what: string, spec: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= MAX_DEVICES) return value
  refuse(
    `The ${what} '${text}' in '${spec}' must be a whole number from ${least} to ${MAX_DEVICES}.`,
    spec,
  )
}

function refuse(sentence: string, group: string): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields: { group } })
}
