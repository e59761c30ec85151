import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packages } from './scripts.js'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a program to its end. */
export function run(
  program: string,
  words: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

/** Somebody's project, in an empty folder outside the workspace. */
export interface Project {
  readonly folder: string
  /** A package's folder in it. */
  inside(name: string): string
  node(...words: string[]): Promise<Ended>
  kaitian(...words: string[]): Promise<Ended>
  write(file: string, text: string): void
  remove(): void
}

/**
 * The packed packages, unpacked into `node_modules` as npm would; what they depend on is linked
 * from the workspace, so that no network is needed.
 */
export async function unpackedProject(): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'kaitian-project-'))
  const project = projectIn(folder)
  const tarballs = packages.packInto(join(folder, 'tarballs'))
  for (const [index, { name, folder: source }] of packages.publicPackages().entries()) {
    const inside = project.inside(name)
    mkdirSync(inside, { recursive: true })
    const unpack = ['xzf', tarballs[index], '-C', inside, '--strip-components=1']
    const { code, err } = await run('tar', unpack, { cwd: folder })
    if (code !== 0) throw new Error(err)
    linkDependencies(source, join(folder, 'node_modules'))
  }
  mkdirSync(join(folder, 'node_modules', '.bin'))
  const command = join(project.inside('kaitian'), 'bin', 'kaitian.js')
  symlinkSync(command, join(folder, 'node_modules', '.bin', 'kaitian'))
  project.write('package.json', '{ "type": "module" }\n')
  return project
}

export function projectIn(folder: string): Project {
  const inside = (name: string): string => join(folder, 'node_modules', name)
  const node = (...words: string[]): Promise<Ended> => run(process.execPath, words, { cwd: folder })
  return {
    folder,
    inside,
    node,
    kaitian: (...words) => node(join(inside('kaitian'), 'bin', 'kaitian.js'), ...words),
    write: (file, text) => writeFileSync(join(folder, file), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The packages that one of the workspace's depends on, as links; ours are not among them. */
function linkDependencies(source: string, into: string): void {
  const { dependencies } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const [name, version] of Object.entries(dependencies)) {
    const link = join(into, name)
    if (version.startsWith('workspace:') || existsSync(link)) continue
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(realpathSync(join(source, 'node_modules', name)), link)
  }
}

/**
 * Gives the project the native core that the workspace was built with: as built there, or as if the
 * package had brought it. Its name in that folder; undefined when the workspace has none.
 */
export function lendNativeCore(
  project: Project,
  place: 'native/build' | 'prebuilds' = 'native/build',
): string | undefined {
  const source = packages.publicPackages().find(({ name }) => name === '@kaitian/comm-native')
  const builds = join(source?.folder ?? '', 'native', 'build')
  const abi = `${process.versions.modules}.node`
  const platforms = existsSync(builds) ? readdirSync(builds) : []
  const platform = platforms.find((name) => existsSync(join(builds, name, abi)))
  if (platform === undefined) return undefined
  const name = join(platform, abi)
  cpSync(join(builds, name), join(project.inside('@kaitian/comm-native'), place, name))
  return name
}

/** The first block of a language in a package's README. */
export function exampleOf(readme: string, language: string): string {
  const block = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(readme)
  if (block === null) throw new Error(`no ${language} example`)
  return block[1]
}
