import { readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { snippetsIn } from './snippets.js'
import { Broken, compile, runProgram, type Page, type Program } from './try-pages.js'

const test = suite('snippets of the docs')

const pages: Page[] = ['docs/actors.md', 'docs/testing-actors.md'].map((path) => ({
  path,
  text: readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
}))

const folders = new Set<string>()

async function compiled(from: readonly Page[]): Promise<Program[]> {
  const programs = await compile(from)
  for (const { built } of programs) folders.add(dirname(dirname(built)))
  return programs
}

test.after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

test('each is compiled against the public names, and runs', async () => {
  const programs = await compiled(pages)
  const blocks = pages.flatMap(({ text }) => text.match(/^```ts$/gm) ?? [])
  assert.is(programs.length, blocks.length)
  const ran = await Promise.allSettled(
    programs.map(async (program) => {
      const output = await runProgram(program)
      // A suite that fails, or has no test, may end as if it had passed.
      if (program.snippet.file.endsWith('.test.ts')) assert.match(output, /Passed: +[1-9]/)
      return output
    }),
  )
  const broken = ran.flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as Error).message] : [],
  )
  assert.equal(broken, [])
})

const page = (text: string): Page => ({ path: 'docs/made-up.md', text })

async function brokenIn(text: string): Promise<string> {
  try {
    for (const program of await compiled([page(text)])) await runProgram(program)
  } catch (error) {
    assert.instance(error, Broken)
    return (error as Broken).message
  }
  return assert.unreachable('nothing is broken') as never
}

test('one that does not compile is told of by page and line', async () => {
  const text = [
    'Text.',
    '',
    '```ts',
    '// desk.ts',
    "import { ask } from '@kaitian/actors'",
    'export const ping = ask()',
    '```',
    '',
    'More.',
    '',
    '<!-- given: ping from ./desk -->',
    '',
    '```ts',
    'const text: string = ping',
    '```',
  ].join('\n')
  assert.match(await brokenIn(text), /^docs\/made-up\.md:14:7: error TS2322/m)
})

test('one that throws is told of by page and line', async () => {
  const text = ['```ts', 'const a = 1', '', "if (a > 0) throw new Error('no')", '```'].join('\n')
  const message = await brokenIn(text)
  assert.match(message, 'Error: no')
  assert.match(message, /docs\/made-up\.md:4:\d+/)
})

test('blocks may go on with one another, and keep their lines', () => {
  const text = [
    '```ts',
    '// a.ts',
    'const a = 1',
    '```',
    '<!-- continues: a.ts -->',
    '```ts',
    'console.log(a)',
    '```',
    '```js',
    'not looked at',
    '```',
  ].join('\n')
  const [{ file, code }, ...others] = snippetsIn(text)
  assert.equal(others, [])
  assert.is(file, 'a.ts')
  assert.equal(code.split('\n').slice(0, 8), [
    '',
    '// a.ts',
    'const a = 1',
    '',
    '',
    '',
    'console.log(a)',
    '',
  ])
  assert.throws(() => snippetsIn('<!-- continues: b.ts -->\n```ts\n```'), /no b\.ts/)
})

test.run()
