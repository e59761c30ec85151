const LOCALE = 'en-GB'

export function count(value: number): string {
  return Math.round(value).toLocaleString(LOCALE)
}

/** A share of 1 as per cent. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

export function milliseconds(ms: number): string {
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** For people: `850 ms`, `12.3 s`, `4 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return milliseconds(ms)
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
}

/** A loss in nats, which may have run away. */
export function loss(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : String(value)
}

export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}
