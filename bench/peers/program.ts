import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** `-ffp-contract=off` as in our own core: sums must not depend on the processor. */
const flags = ['-std=c++20', '-O3', '-march=native', '-ffp-contract=off', '-pthread']

/** Where a peer's source is; this runs from `dist`. */
export function sourceOf(file: string): string {
  return fileURLToPath(new URL(`../../peers/${file}`, import.meta.url))
}

/** Whether a command runs at all. */
export function runs(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** The program built from `<name>.cc`, which is compiled when it is older than its sources. */
export function compiled(name: string, compiler: string, ...more: readonly string[]): string {
  const source = sourceOf(`${name}.cc`)
  const program = sourceOf(`build/${name}`)
  const changed = Math.max(...[source, sourceOf('request.h')].map((file) => statSync(file).mtimeMs))
  if (existsSync(program) && statSync(program).mtimeMs >= changed) return program
  mkdirSync(sourceOf('build'), { recursive: true })
  const { status, stderr, error } = spawnSync(
    compiler,
    [...flags, ...more, source, '-o', program],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`${name}.cc does not compile: ${error?.message ?? stderr}`)
  return program
}
