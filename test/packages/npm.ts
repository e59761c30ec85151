import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { run, type Ended } from './project.js'

/** A machine as a newcomer has it: one Node.js, npm, an empty home, an empty folder. */
export interface Machine {
  readonly folder: string
  /** Whatever is on its path: `npm`, `npx`, `node`. */
  run(
    program: 'npm' | 'npx' | 'node',
    words: readonly string[],
    env?: NodeJS.ProcessEnv,
  ): Promise<Ended>
  remove(): void
}

/** @param compiler whether the programs of this machine are found, compilers among them */
export function machineWith(node: string, compiler: boolean): Machine {
  const root = mkdtempSync(join(tmpdir(), 'kaitian-machine-'))
  const [bin, home, folder] = ['bin', 'home', 'project'].map((name) => join(root, name))
  for (const made of [bin, home, folder]) mkdirSync(made)
  symlinkSync(node, join(bin, 'node'))
  symlinkSync(found('sh'), join(bin, 'sh'))
  const npm = dirname(realpathSync(found('npm')))
  for (const program of ['npm', 'npx'])
    symlinkSync(join(npm, `${program}-cli.js`), join(bin, program))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const base = {
    PATH: compiler ? `${bin}${delimiter}${process.env.PATH}` : bin,
    HOME: home,
    ...proxies(),
  }
  return {
    folder,
    run: (program, words, env = {}) =>
      run(join(bin, program), words, { cwd: folder, env: { ...base, ...env } }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

function found(program: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      return realpathSync(join(folder, program))
    } catch {
      // not in this folder
    }
  }
  throw new Error(`${program} is not on the path`)
}

/** How this machine reaches the registry, where that takes more than a connection. */
function proxies(): NodeJS.ProcessEnv {
  const kept =
    /^(https?_proxy|no_proxy|ssl_cert_\w+|node_extra_ca_certs|npm_config_(registry|cafile))$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)))
}
