import { readFileSync, writeFileSync } from 'node:fs'
import type { Depth } from '../depth.js'

/** The files that failed when they last ran, for each depth. Kept between runs. */
export type Record = { readonly [depth in Depth]: readonly string[] }

const NOTHING: Record = { cut: [], full: [] }

/** A record that cannot be read is none: the next run writes it anew. */
export function readRecord(path: string): Record {
  try {
    return { ...NOTHING, ...(JSON.parse(readFileSync(path, 'utf8')) as Partial<Record>) }
  } catch {
    return NOTHING
  }
}

export function writeRecord(path: string, record: Record): void {
  writeFileSync(path, `${JSON.stringify(record, undefined, 2)}\n`)
}

/**
 * What has failed after a run, of all files or of some: those that did not run stay as they were,
 * those that are gone are forgotten.
 */
export function update(
  before: readonly string[],
  results: ReadonlyMap<string, { readonly failed: number }>,
  files: readonly { readonly name: string }[],
): string[] {
  const kept = new Set(before)
  for (const [name, { failed }] of results) {
    if (failed > 0) kept.add(name)
    else kept.delete(name)
  }
  return files.map(({ name }) => name).filter((name) => kept.has(name))
}
