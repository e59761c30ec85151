import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { exampleOf, lendNativeCore, unpackedProject, type Project } from './project.js'
import { packages } from './scripts.js'

// What npm would publish, in a project of its own. Without a network: tests of the real
// installation are in installed.test.ts.

const test = suite('packed packages')
const names = packages.publicPackages().map(({ name }) => name)
let project: Project

test.before(async () => {
  project = await unpackedProject()
})
test.after(() => project.remove())

function read(...path: string[]): string {
  return readFileSync(join(project.folder, 'node_modules', ...path), 'utf8')
}

function filesOf(name: string): string[] {
  return readdirSync(project.inside(name), { recursive: true, encoding: 'utf8' })
}

test('six packages are published, and no other', () => {
  assert.equal(names.toSorted(), [
    '@kaitian/actors',
    '@kaitian/comm-native',
    '@kaitian/errors',
    '@kaitian/scheduler',
    '@kaitian/train',
    'kaitian',
  ])
})

for (const name of names) {
  test(`${name} says who it is, and depends on what npm can install`, () => {
    const text = read(name, 'package.json')
    const manifest = JSON.parse(text) as Record<string, unknown>
    assert.not.match(text, /workspace:|link:|file:/)
    for (const field of ['description', 'repository', 'bugs', 'homepage', 'license', 'engines']) {
      assert.ok(manifest[field], field)
    }
    assert.ok((manifest['keywords'] as string[]).length >= 4)
    const packageJson = createRequire(join(project.folder, 'x.js')).resolve(`${name}/package.json`)
    assert.is(packageJson, join(project.inside(name), 'package.json'))
  })

  test(`${name} brings its licence and a README, and nothing of the build`, () => {
    const files = filesOf(name)
    assert.ok(files.includes('LICENSE'))
    assert.ok(files.includes('README.md'))
    assert.ok(files.includes(join('dist', 'index.js')))
    const strays = files.filter((file) =>
      /tsbuildinfo|^tsconfig|\.test\.|native\/build|\.log$/.test(file),
    )
    assert.equal(strays, [])
  })
}

test('the packages depend on a part of tfjs, not on all of it', () => {
  const { dependencies } = JSON.parse(read('@kaitian/train', 'package.json')) as {
    dependencies: object
  }
  const tfjs = Object.keys(dependencies).filter((name) => name.startsWith('@tensorflow/'))
  assert.equal(tfjs, ['@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-core'])
})

const compilers = {
  'the least TypeScript that is supported': 'typescript-least',
  'the newest TypeScript': 'typescript',
}

/** A compiler's program, by the name of its package in the workspace. */
function compiler(name: string): string {
  const from = fileURLToPath(new URL(name === 'typescript' ? '../../..' : '../..', import.meta.url))
  return join(
    dirname(createRequire(join(from, 'x.js')).resolve(`${name}/package.json`)),
    'bin',
    'tsc',
  )
}

function writeExamples(): void {
  for (const name of names) {
    project.write(
      `${name.replace('@kaitian/', '')}-example.ts`,
      exampleOf(read(name, 'README.md'), 'ts'),
    )
  }
  // What the examples do not import. The types of engines/tfjs are those of tfjs, which do not
  // compile without skipLibCheck.
  const rest = [
    'actors/testing',
    'train',
    'train/data',
    'train/bridge',
    'train/step',
    'train/device',
  ]
  const lines = rest.map((path, index) => `export * as part${index} from '@kaitian/${path}'\n`)
  project.write('rest-example.ts', lines.join(''))
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    outDir: 'out',
    typeRoots: [fileURLToPath(new URL('../../../node_modules/@types', import.meta.url))],
  }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*-example.ts'] }))
}

for (const [which, name] of Object.entries(compilers)) {
  test(`${which} compiles the READMEs' examples and checks the packages' types`, async () => {
    writeExamples()
    const { code, out } = await project.node(compiler(name), '-p', '.')
    assert.is(code, 0, out)
  })
}

test('the least TypeScript is the one that docs/installing.md states', () => {
  const page = readFileSync(new URL('../../../docs/installing.md', import.meta.url), 'utf8')
  const require = createRequire(import.meta.url)
  const { version } = require('typescript-least/package.json') as { version: string }
  assert.ok(page.includes(`TypeScript ${version.replace(/\.\d+$/, '')} or newer`), version)
})

test("the READMEs' examples run", async () => {
  const native = lendNativeCore(project) !== undefined
  const needNative = ['@kaitian/comm-native']
  for (const name of names.filter((each) => native || !needNative.includes(each))) {
    const { code, err } = await project.node(`out/${name.replace('@kaitian/', '')}-example.js`)
    assert.is(code, 0, `${name}: ${err}`)
  }
})

test("the task of kaitian's README is the example that it brings", () => {
  assert.is(exampleOf(read('kaitian', 'README.md'), 'js'), read('kaitian', 'example', 'task.js'))
})

test('the command trains the example, in one group and in two over TCP', async () => {
  const example = ['train', 'node_modules/kaitian/example', '--max-steps', '4', '--no-evaluate']
  const one = await project.kaitian(...example, '--group', 'a=tfjs@cpu*2')
  assert.is(one.code, 0, one.err)
  if (lendNativeCore(project) === undefined) return
  const groups = ['--group', 'a=tfjs@cpu', '--group', 'b=tfjs@cpu']
  const two = await project.kaitian(...example, ...groups, '--bridge', 'tcp')
  assert.is(two.code, 0, two.err)
  assert.match(two.out, /finished/)
})

test('the command measures the native collectives', async () => {
  if (lendNativeCore(project) === undefined) return
  const { code, out, err } = await project.kaitian('bench', 'allreduce', '--max', '16KiB')
  assert.is(code, 0, err)
  assert.match(out, /4 ?KiB/)
})

test('the report finds what it is made of', async () => {
  const report = ['--report', 'report.html', '--max-steps', '2', '--no-evaluate']
  const words = ['train', 'node_modules/kaitian/example', '--group', 'a=tfjs@cpu', ...report]
  const { code, err } = await project.kaitian(...words)
  assert.is(code, 0, err)
  assert.ok(existsSync(join(project.folder, 'report.html')))
})

test.run()
