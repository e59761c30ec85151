// Makes each package's JavaScript: a file for each way into it, and what they share. Node.js takes
// more than a millisecond to find and load a module, in every thread again: of the hundred or two
// that an actor's thread would need, a handful is left.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { root } from './packages.js'

/** Those that are compiled to declarations alone. */
const folders = readdirSync(join(root, 'packages'))
  .map((name) => join(root, 'packages', name))
  .filter((folder) =>
    readFileSync(join(folder, 'tsconfig.json'), 'utf8').includes('"emitDeclarationOnly": true'),
  )

/** What others import, what is loaded by its place, and what the command starts with. */
function waysInto(folder) {
  const { exports, bin = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const exported = Object.values(exports).map((target) => target.default ?? '')
  const source = join(folder, 'src')
  const texts = readdirSync(source, { recursive: true })
    .filter((name) => /\.c?ts$/.test(name))
    .map((name) => join(source, name))
  const programs = Object.values(bin).map((name) => join(folder, name))
  const places = [...texts, ...programs].flatMap((file) =>
    [
      ...readFileSync(file, 'utf8').matchAll(/ownFile\('\.\/(.+\.c?js)'|'\.\.\/dist\/(.+\.js)'/g),
    ].map(([, owned, started]) => owned ?? started),
  )
  const named = exported.flatMap((target) => /^\.\/dist\/(.+\.js)$/.exec(target)?.[1] ?? [])
  return [...new Set([...named, ...places])]
}

async function bundle(folder) {
  const [source, into] = [join(folder, 'src'), join(folder, 'dist')]
  const ways = waysInto(folder)
  const common = {
    absWorkingDir: folder,
    outdir: into,
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  }
  const modules = await build({
    ...common,
    entryPoints: ways
      .filter((name) => name.endsWith('.js'))
      .map((name) => name.slice(0, -'.js'.length))
      .map((name) => ({ in: join(source, `${name}.ts`), out: name })),
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
  })
  const scripts = await build({
    ...common,
    entryPoints: ways
      .filter((name) => name.endsWith('.cjs'))
      .map((name) => join(source, name.replace(/\.cjs$/, '.cts'))),
    outbase: source,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
  })
  const outputs = [modules, scripts].flatMap(({ metafile }) => Object.keys(metafile.outputs))
  const made = new Set(outputs.map((name) => resolve(folder, name)))
  for (const name of readdirSync(into, { recursive: true })) {
    const file = join(into, name)
    if (/\.c?js(\.map)?$/.test(name) && !made.has(file)) rmSync(file)
  }
}

await Promise.all(folders.map(bundle))
