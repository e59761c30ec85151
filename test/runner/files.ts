import { existsSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export interface TestFile {
  /** As people name it: `actors/asks.test.ts`. */
  readonly name: string
  /** The built file. */
  readonly built: string
}

/**
 * Test files by their sources, so that a deleted test does not go on running
 * from an old build, and one that was not built is missed.
 */
export function listTests(root: string, filters: readonly string[]): TestFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) => !/(^|\/)(dist|node_modules)\//.test(path))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .toSorted()
    .map((name) => {
      const built = join(root, 'dist', name.replace(/\.ts$/, '.js'))
      if (existsSync(built)) return { name, built }
      throw new Error(`${relative(root, built)} is missing; build first: npm run build`)
    })
}
