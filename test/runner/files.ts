import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

export interface TestFile {
  /** As people name it: `actors/asks.test.ts`. */
  readonly name: string
  /** The built file. */
  readonly built: string
  /**
   * What has to be done before, such as to compile something: `x.prepare.ts` beside `x.test.ts`, built.
   * That is a program of its own, and not part of the test's time.
   */
  readonly preparation?: string
}

/**
 * Test files by their sources, so that a deleted test does not go on running
 * from an old build, and one that was not built is missed.
 */
export function listTests(root: string): TestFile[] {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(^|\/)(dist|node_modules)\//.test(path))
  const sources = new Set(paths)
  return paths
    .filter((path) => path.endsWith('.test.ts'))
    .toSorted()
    .map((name) => {
      const preparation = name.replace(/\.test\.ts$/, '.prepare.ts')
      return {
        name,
        built: builtFrom(root, name),
        ...(sources.has(preparation) ? { preparation: builtFrom(root, preparation) } : {}),
      }
    })
}

function builtFrom(root: string, source: string): string {
  const built = join(root, 'dist', source.replace(/\.ts$/, '.js'))
  if (existsSync(built)) return built
  throw new Error(`${relative(root, built)} is missing; build first: npm run build`)
}

/** Whether a test is another at full depth: it, or something that it uses, reads the depth. */
export function hasDepths(file: TestFile, depthModule: string): boolean {
  const seen = new Set<string>()
  const queue = [file.built]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (path === depthModule) return true
    if (seen.has(path) || !existsSync(path)) continue
    seen.add(path)
    queue.push(...namedIn(path))
  }
  return false
}

/** The built files that one names by relative paths: imports, and modules for threads and processes. */
function namedIn(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const names = [...text.matchAll(/['"`](\.{1,2}\/[^'"`\n]+\.js)['"`]/g)]
  return names.map(([, name]) => resolve(dirname(path), name))
}
