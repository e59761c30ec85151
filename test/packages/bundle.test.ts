import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { build, type BuildOptions } from 'esbuild'
import { join } from 'node:path'
import { unpackedProject, type Project } from './project.js'

// docs/installing.md: kaitian stays outside of bundles, and says so where it was put in.

const test = suite('bundles')
let project: Project

test.before(async () => {
  project = await unpackedProject()
  project.write('service.ts', SERVICE)
  project.write('actors.ts', ACTORS)
  project.write('task.ts', TASK)
})
test.after(() => project.remove())

const SERVICE = `
import { train } from 'kaitian'

const training = train({ task: 'node_modules/kaitian/example', groups: ['a=tfjs@cpu'], maxSteps: 2, evaluate: false })
const { outcome, error } = await training.finished
console.log(error === undefined ? outcome : \`\${error.code} \${error.message}\`)
`

const ACTORS = `
import { ask, createSystem, openPool, protocol } from '@kaitian/actors'

export class Echo {
  static readonly protocol = protocol({ say: ask<string, string>() })
  say(text: string) {
    return text
  }
}

const system = createSystem()
const inline = await system.spawn(Echo, undefined, { name: 'inline' })
console.log(await inline.ask.say('inline works', { timeoutMs: 60_000 }))
for (const on of ['thread', 'process']) {
  try {
    await system.spawn(Echo, undefined, { name: on, on: { [on]: new URL(import.meta.url) } as never })
    console.log(on, 'works')
  } catch (error) {
    console.log(on, error.code, error.cause?.code)
  }
}
try {
  openPool({ module: new URL(import.meta.url) })
} catch (error) {
  console.log('pool', error.code)
}
await system.dispose()
`

const TASK = `
import { defineTask, dense, flatten, sgd, syntheticImages } from 'kaitian'

export default defineTask({
  name: 'bundled',
  model: { input: [32, 32, 3], layers: [flatten(), dense({ units: 10 })], classes: 10 },
  data: ({ seed }) => syntheticImages({ seed, train: 40, test: 10 }),
  optimiser: sgd({ learningRate: 0.01 }),
  batch: 20,
  shard: 10,
  epochs: 1,
})
`

/** CommonJS packages inside a bundle of ES modules need a `require`. */
const REQUIRE = {
  js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url)",
}

function bundle(entry: string, outfile: string, options: BuildOptions): Promise<unknown> {
  return build({
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    absWorkingDir: project.folder,
    entryPoints: [entry],
    outfile,
    ...options,
  })
}

test('with its packages external a bundle trains', async () => {
  await bundle('service.ts', 'dist/service.js', { format: 'esm', packages: 'external' })
  const { code, out, err } = await project.node('dist/service.js')
  assert.is(code, 0, err)
  assert.is(out, 'finished\n')
})

test('a bundle that swallowed it says what to do', async () => {
  await bundle('service.ts', 'dist/swallowed.js', { format: 'esm', banner: REQUIRE })
  const { out } = await project.node('dist/swallowed.js')
  assert.match(
    out,
    /^BUNDLED .*keep 'kaitian' and '@kaitian\/\*' external \(with esbuild --packages=external\)/,
  )
})

test('so does one of CommonJS, whose modules have no address', async () => {
  project.write(
    'cjs.ts',
    SERVICE.replace(/^const training/m, 'async function main() {\nconst training') + '}\nmain()\n',
  )
  await bundle('cjs.ts', 'dist/swallowed.cjs', { format: 'cjs' })
  const { out, err } = await project.node('dist/swallowed.cjs')
  assert.match(out, /^BUNDLED .*external/, err)
})

test('actors in a bundle run inline; threads, processes and pools say what to do', async () => {
  await bundle('actors.ts', 'dist/actors.js', { format: 'esm', banner: REQUIRE })
  const { out, err } = await project.node('dist/actors.js')
  assert.is(err, '')
  assert.match(out, /^inline works\nthread .*BUNDLED\nprocess .*BUNDLED\npool BUNDLED\n$/)
})

test('a task may be bundled with what it imports', async () => {
  await bundle('task.ts', 'dist/task.js', { format: 'esm', banner: REQUIRE })
  const task = join(project.folder, 'dist', 'task.js')
  const { code, err } = await project.kaitian(
    'train',
    task,
    '--group',
    'a=tfjs@cpu',
    '--no-evaluate',
  )
  assert.is(code, 0, err)
})

test.run()
