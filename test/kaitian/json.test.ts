import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runOnFake } from './command.js'

const test = suite('json')

interface DocumentedField {
  readonly type: string
  readonly optional: boolean
}

/** Fields by event and path, as the page's tables list them. */
function documented(): Map<string, Map<string, DocumentedField>> {
  const page = readFileSync(new URL('../../../docs/json-output.md', import.meta.url), 'utf8')
  const events = new Map<string, Map<string, DocumentedField>>()
  for (const section of page.split(/^## /m).slice(1)) {
    const rows = section.matchAll(/^\| `([^`]+)`(\??) *\| (\w+) *\|/gm)
    const fields = [...rows].map(([, path, optional, type]) => {
      return [path, { type, optional: optional === '?' }] as const
    })
    events.set(section.split('\n')[0], new Map(fields))
  }
  return events
}

/** Paths in the page's notation; an object that a table lists as a whole is not opened. */
function pathsOf(
  value: unknown,
  known: Map<string, DocumentedField>,
  path = '',
): [string, unknown][] {
  const isLeaf = typeof value !== 'object' || value === null || known.get(path)?.type === 'object'
  if (isLeaf) return [[path, value]]
  if (Array.isArray(value)) {
    return value.flatMap((element) => pathsOf(element, known, `${path}[]`))
  }
  if (known.has(`${path}{}`)) {
    return Object.values(value).map((element) => [`${path}{}`, element])
  }
  return Object.entries(value).flatMap(([name, field]) =>
    pathsOf(field, known, path === '' ? name : `${path}.${name}`),
  )
}

async function linesOf(words: readonly string[], failAfter?: number) {
  const task = fileURLToPath(import.meta.url)
  const ran = runOnFake(
    ['train', task, '--group', 'a=tfjs@cpu*2', '--json', ...words],
    failAfter === undefined ? {} : { failAfter },
  )
  await new Promise<void>((resolve) => ran.runtime.events.once('step', () => resolve()))
  await ran.runtime.api.kill('cpu:1')
  const code = await ran.code
  const lines = ran.text.out.trimEnd().split('\n')
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('every field of every line is documented, with its type', async () => {
  const events = documented()
  const { lines } = await linesOf([], 4)
  assert.equal(
    new Set(lines.map(({ event }) => event)),
    new Set(['ready', 'generation', 'step', 'fault', 'end']),
  )
  for (const line of lines) {
    const known = events.get(String(line['event'])) ?? new Map<string, DocumentedField>()
    for (const [path, value] of pathsOf(line, known)) {
      assert.is(typeof value, known.get(path)?.type, `${String(line['event'])}.${path}`)
    }
  }
})

test('every documented field that must be there is there', async () => {
  const { code, lines } = await linesOf([])
  assert.is(code, 0)
  for (const [event, known] of documented()) {
    const ofEvent = lines.filter((line) => line['event'] === event)
    assert.ok(ofEvent.length > 0, event)
    for (const line of ofEvent) {
      const present = new Set(pathsOf(line, known).map(([path]) => path))
      for (const [path, { optional }] of known) {
        assert.ok(optional || present.has(path), `${event}.${path}`)
      }
    }
  }
})

test('the lines come in order, one event each', async () => {
  const { lines } = await linesOf([])
  const events = lines.map(({ event }) => event)
  assert.equal([events[0], events[1], events.at(-1)], ['ready', 'generation', 'end'])
  assert.is(events.filter((event) => event === 'step').length, 10)
  assert.is(events.filter((event) => event === 'epoch').length, 2)
})

test.run()
