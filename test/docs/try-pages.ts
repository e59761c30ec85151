import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { snippetsIn, type Snippet } from './snippets.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const tsc = join(root, 'node_modules/.bin/tsc')

/** Where `../given` of a page's folder are the modules that are given to snippets. */
const workshop = fileURLToPath(new URL('.', import.meta.url))

export interface Page {
  /** As people name it: `docs/actors.md`. */
  readonly path: string
  readonly text: string
}

/** A program of a page, compiled. */
export interface Program {
  readonly page: string
  readonly snippet: Snippet
  readonly built: string
}

/** What is wrong, by page and line. */
export class Broken extends Error {}

/** Compiles all snippets against the packages' public names. Throws what does not compile. */
export async function compile(pages: readonly Page[]): Promise<Program[]> {
  const folder = mkdtempSync(join(workshop, 'pages-'))
  const programs = pages.flatMap(({ path, text }) =>
    snippetsIn(text).map((snippet) => {
      const name = path.replace(/^docs\//, '').replace(/\.md$/, '')
      mkdirSync(join(folder, name), { recursive: true })
      writeFileSync(join(folder, name, snippet.file), snippet.code)
      const built = join(folder, name, snippet.file.replace(/ts$/, 'js'))
      return { page: path, snippet, built }
    }),
  )
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config(folder)))
  const { code, output } = await run(tsc, ['--project', folder, '--pretty', 'false'])
  if (code !== 0) throw new Broken(inWords(output, programs))
  return programs
}

/** Runs one to its end. Throws what it throws. */
export async function runProgram(program: Program): Promise<string> {
  const args = ['--enable-source-maps', program.built]
  const { code, output } = await run(process.execPath, args)
  if (code !== 0) throw new Broken(inWords(output, [program]))
  return output
}

function config(folder: string): object {
  return {
    extends: relative(folder, join(root, 'tsconfig.base.json')),
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      tsBuildInfoFile: null,
      // What a page shows need not be used there.
      noUnusedLocals: false,
      rootDir: '.',
    },
    include: ['**/*.ts'],
  }
}

/** Places in files become places in their pages. */
function inWords(output: string, programs: readonly Program[]): string {
  let text = output
  for (const { page, built } of programs) {
    const source = built.replace(/js$/, 'ts')
    for (const path of [source, relative(process.cwd(), source)]) {
      text = text.replaceAll(
        new RegExp(`(?:file://)?${escaped(path)}[:(](\\d+)[:,](\\d+)\\)?`, 'g'),
        `${page}:$1:$2`,
      )
    }
  }
  return text
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function run(file: string, args: string[]): Promise<{ code: number; output: string }> {
  const { KAITIAN_SEED: _, NODE_OPTIONS: __, ...env } = process.env
  return new Promise((resolve) => {
    execFile(file, args, { env: { ...env, NO_COLOR: '1' } }, (error, out, text) => {
      resolve({ code: error === null ? 0 : 1, output: out + text })
    })
  })
}
