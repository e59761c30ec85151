import type { Step } from './script.js'

/** Lists that mean the same kind of thing whatever their length. */
const lists = new Set([
  'deeds',
  'refs',
  'children',
  'atStart',
  'atStop',
  'constructor',
  'start',
  'stop',
])
/** What may be left out. */
const options = new Set(
  'items itemMs junk after timeoutMs abort take unwatchMs cancelMs mailbox restart stop backoffMs maxBackoffMs abortMs exitMs'.split(
    ' ',
  ),
)
const required = new Set(['supervise'])

/** A step with one thing less, in all ways. */
export function* simplify(step: Step): Generator<Step> {
  yield* simpler(step)
}

function* simpler<T>(value: T): Generator<T> {
  if (typeof value !== 'object' || value === null) return
  const record = value as Record<string, unknown>
  const isGroup = required.has(String(record.do))
  for (const [key, part] of Object.entries(record)) {
    if (Array.isArray(part) && lists.has(key)) {
      for (let at = 0; at < part.length; at++) yield { ...value, [key]: part.toSpliced(at, 1) }
    } else if (options.has(key) && !isGroup) {
      const { [key]: _left, ...rest } = record
      yield rest as T
    } else if (key === 'times' && part !== 1) yield { ...value, [key]: 1 }
    else if (key === 'on' && part !== 'inline') yield { ...value, [key]: 'inline' }
    if (Array.isArray(part)) {
      for (let at = 0; at < part.length; at++) {
        for (const less of simpler(part[at])) yield { ...value, [key]: part.with(at, less) }
      }
    } else for (const less of simpler(part)) yield { ...value, [key]: less }
  }
}
