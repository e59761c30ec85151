import { RecordError } from './failure.js'
import { Fields } from './fields.js'

/** Names one try at one step. */
export interface Attempt {
  readonly generation: number
  readonly epoch: number
  readonly step: number
  readonly attempt: number
}

export interface Generation {
  readonly type: 'generation'
  readonly generation: number
  readonly members: readonly { readonly group: string; readonly device: string }[]
}

export interface Epoch {
  readonly type: 'epoch'
  readonly epoch: number
  /** File name. */
  readonly permutation: string
}

/** Sums over the committed steps of an epoch, which its votes give once more. */
export interface EpochEnd {
  readonly type: 'epochEnd'
  readonly epoch: number
  readonly steps: number
  readonly samples: number
  /** NaN where it was not finite. */
  readonly lossSum: number
  readonly correct: number
}

export interface Plan extends Attempt {
  readonly type: 'plan'
  /** Digest of the state that it starts from. */
  readonly from: string
  readonly size: number
  readonly firstShard: number
  /** [first, count] of each device. */
  readonly shards: ReadonlyMap<string, readonly [number, number]>
  readonly quotas: ReadonlyMap<string, number>
  readonly learningRate: number
  /** None where the plan has no such field. */
  readonly exponents: readonly number[] | undefined
}

export interface Vote extends Attempt {
  readonly type: 'vote'
  readonly device: string
  readonly shards: readonly number[]
  readonly count: number
  readonly idSum: number
  readonly digest: string
  /** NaN where it was not finite. */
  readonly lossSum: number
  readonly correct: number
  /** Largest |gradient| of a shard in each bucket, Infinity where it left the range. */
  readonly maxima: readonly number[] | undefined
}

export interface Abort extends Attempt {
  readonly type: 'abort'
}

export interface Commit extends Attempt {
  readonly type: 'commit'
  readonly size: number
  readonly digest: string
  readonly cursor: number
}

export interface End {
  readonly type: 'end'
  readonly reason: 'finished' | 'interrupted'
  readonly digest: string
}

export type Entry = (Generation | Epoch | EpochEnd | Plan | Vote | Abort | Commit | End) & {
  /** Line of the file, from 1. */
  readonly line: number
}

/** @throws RecordError naming the line. */
export function parseJournal(text: string): readonly Entry[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') {
    const torn = `journal.jsonl: the last line, ${lines.length + 1}, is torn`
    throw new RecordError(`${torn}: the run, or its disk, ended while it was being written`)
  }
  const entries = lines.map((line, index) => parseLine(line, index + 1))
  if (entries[0]?.type !== 'generation') {
    throw new RecordError('journal.jsonl: the first line is not a generation')
  }
  const end = entries.findIndex((entry) => entry.type === 'end')
  if (end === -1) throw new RecordError('journal.jsonl: no end line, the record was cut off')
  if (end !== entries.length - 1) throw new RecordError('journal.jsonl: lines follow the end')
  return entries
}

function parseLine(text: string, line: number): Entry {
  const where = `journal.jsonl line ${line}`
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RecordError(`${where} is not JSON`, { cause })
  }
  const fields = new Fields(value, where)
  const type = fields.text('type')
  if (!Object.hasOwn(parsers, type)) throw new RecordError(`${where}: unknown type ${type}`)
  return { ...parsers[type](fields), line }
}

type Parsed<E = Entry> = E extends Entry ? Omit<E, 'line'> : never

const parsers: Readonly<Record<string, (fields: Fields) => Parsed>> = {
  generation: (fields) => ({
    type: 'generation',
    generation: fields.count('generation'),
    members: fields
      .objects('members')
      .map((member) => ({ group: member.text('group'), device: member.text('device') })),
  }),
  epoch: (fields) => ({
    type: 'epoch',
    epoch: fields.count('epoch'),
    permutation: fields.text('permutation'),
  }),
  epochEnd: (fields) => ({
    type: 'epochEnd',
    epoch: fields.count('epoch'),
    steps: fields.count('steps'),
    samples: fields.count('samples'),
    lossSum: fields.numberOrNull('lossSum'),
    correct: fields.number('correct'),
  }),
  plan: (fields) => ({
    type: 'plan',
    ...attemptOf(fields),
    from: fields.digest('from'),
    size: fields.number('size'),
    firstShard: fields.number('firstShard'),
    shards: ranges(fields.object('shards')),
    quotas: quotas(fields.object('quotas')),
    learningRate: fields.number('learningRate'),
    exponents: fields.has('exponents') ? fields.numbers('exponents') : undefined,
  }),
  vote: (fields) => ({
    type: 'vote',
    ...attemptOf(fields),
    device: fields.text('device'),
    shards: fields.numbers('shards'),
    count: fields.number('count'),
    idSum: fields.number('idSum'),
    digest: fields.digest('digest'),
    lossSum: fields.numberOrNull('lossSum'),
    correct: fields.number('correct'),
    maxima: fields.has('maxima') ? maxima(fields) : undefined,
  }),
  abort: (fields) => ({ type: 'abort', ...attemptOf(fields) }),
  commit: (fields) => ({
    type: 'commit',
    ...attemptOf(fields),
    size: fields.number('size'),
    digest: fields.digest('digest'),
    cursor: fields.number('cursor'),
  }),
  end: (fields) => ({
    type: 'end',
    reason: fields.oneOf('reason', ['finished', 'interrupted']),
    digest: fields.digest('digest'),
  }),
}

function attemptOf(fields: Fields): Attempt {
  return {
    generation: fields.count('generation'),
    epoch: fields.count('epoch'),
    step: fields.count('step'),
    attempt: fields.has('attempt') ? fields.count('attempt') : 0,
  }
}

/** JSON has no Infinity: it is written as null. */
function maxima(fields: Fields): readonly number[] {
  return fields.list('maxima').map((value) => {
    if (value === null) return Infinity
    if (typeof value === 'number' && value >= 0) return value
    throw new RecordError(`${fields.where}: maxima hold ${JSON.stringify(value)}`)
  })
}

function ranges(fields: Fields): Map<string, readonly [number, number]> {
  return new Map(
    fields.names().map((device) => {
      const range = fields.numbers(device)
      if (range.length !== 2) throw new RecordError(`${fields.where}: ${device} is no range`)
      return [device, [range[0], range[1]]]
    }),
  )
}

function quotas(fields: Fields): Map<string, number> {
  return new Map(fields.names().map((device) => [device, fields.number(device)]))
}

/** `generation 2, epoch 0, step 5`: for messages, and as a key. */
export function nameOf({ generation, epoch, step, attempt }: Attempt): string {
  const name = `generation ${generation}, epoch ${epoch}, step ${step}`
  return attempt === 0 ? name : `${name}, attempt ${attempt}`
}
