const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `4KiB`, `1MiB` or plain bytes; undefined when it is none of them. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+) ?(KiB|MiB|GiB|B)?$/.exec(text) ?? []
  const bytes = Number(digits) * (UNITS[unit] ?? 1)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}

/** Bytes for people: in the largest unit that divides them. */
export function formatSize(bytes: number): string {
  const fitting = Object.entries(UNITS).filter(([, size]) => bytes >= size && bytes % size === 0)
  const [unit, size] = fitting.at(-1) ?? ['B', 1]
  return unit === 'B' ? `${bytes} bytes` : `${bytes / size} ${unit}`
}

/** From the smallest on, each `factor` times the one before, as far as the largest. */
export function sizesBetween(min: number, max: number, factor: number): number[] {
  const sizes: number[] = []
  for (let size = min; size <= max; size *= factor) sizes.push(size)
  return sizes
}
