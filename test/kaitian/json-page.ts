import { readFileSync } from 'node:fs'

// docs/json-output.md as data, so that it can be held against what the command really writes.

export type Line = Record<string, unknown>

interface DocumentedField {
  readonly type: string
  readonly optional: boolean
}

export type DocumentedCommand = 'train' | 'bench'

/** Fields by event and path, as the page's tables list them for a command. */
function documented(command: DocumentedCommand): Map<string, Map<string, DocumentedField>> {
  const page = readFileSync(new URL('../../../docs/json-output.md', import.meta.url), 'utf8')
  const events = new Map<string, Map<string, DocumentedField>>()
  const part = page.split(/^# /m).find((text) => text.startsWith(`\`kaitian ${command} `))!
  for (const section of part.split(/^## /m).slice(1)) {
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

/** Fields of the lines that the page does not list, or lists with another type. */
export function undocumented(
  lines: readonly Line[],
  command: DocumentedCommand = 'train',
): string[] {
  const events = documented(command)
  return lines.flatMap((line) => {
    const event = String(line['event'])
    const known = events.get(event) ?? new Map<string, DocumentedField>()
    return pathsOf(line, known)
      .filter(([path, value]) => typeof value !== known.get(path)?.type)
      .map(([path, value]) => `${event}.${path}: ${typeof value}`)
  })
}

/** Fields that the page promises and a line, or every line, lacks. */
export function missing(lines: readonly Line[], command: DocumentedCommand = 'train'): string[] {
  return [...documented(command)].flatMap(([event, known]) => {
    const ofEvent = lines.filter((line) => line['event'] === event)
    if (ofEvent.length === 0) return [event]
    return ofEvent.flatMap((line) => {
      const present = new Set(pathsOf(line, known).map(([path]) => path))
      const absent = [...known].filter(([path, { optional }]) => !optional && !present.has(path))
      return absent.map(([path]) => `${event}.${path}`)
    })
  })
}
