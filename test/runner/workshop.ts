import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where this runner and its libraries are. */
const here = fileURLToPath(new URL('..', import.meta.url))
const libraries = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** A folder of tests of its own, with a copy of the runner. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'kaitian-runner-'))

  constructor() {
    for (const part of ['runner', 'depth.js']) {
      cpSync(join(here, part), this.path(`dist/${part}`), { recursive: true })
    }
    symlinkSync(libraries, this.path('node_modules'))
    writeFileSync(this.path('package.json'), '{ "type": "module" }')
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** A source, of which only the name matters, and what it was built to. */
  write(name: string, built: string): void {
    for (const [path, text] of [
      [name, ''],
      [`dist/${name.replace(/\.ts$/, '.js')}`, built],
    ]) {
      mkdirSync(dirname(this.path(path)), { recursive: true })
      writeFileSync(this.path(path), text)
    }
  }

  remove(name: string): void {
    rmSync(this.path(name))
  }

  start(args: readonly string[] = [], depth = 'cut'): Started {
    const env = { ...process.env, KAITIAN_TEST_DEPTH: depth }
    const child = spawn(process.execPath, [this.path('dist/runner/main.js'), ...args], { env })
    let output = ''
    const read = (text: string): void => void (output += text)
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (code) => {
        const lines = output.trimEnd().split('\n')
        resolve({ code, output, last: lines.at(-1) ?? '' })
      })
    })
    return { child, ended }
  }

  run(args: readonly string[] = [], depth = 'cut'): Promise<Ran> {
    return this.start(args, depth).ended
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true })
  }
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
}

export interface Ran {
  readonly code: number | null
  readonly output: string
  readonly last: string
}
