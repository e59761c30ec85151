/** A program of a page: one code block, or several that go on with one another. */
export interface Snippet {
  /** As the page calls it in its first line (`// counter.ts`), or after the line that it is in. */
  readonly file: string
  /** The code, each line where it stands in the page: so an error's line is the page's. */
  readonly code: string
}

/** What stands before a block, in a comment that readers of the page do not see. */
const given = /^<!-- given: (.+) -->$/
const continues = /^<!-- continues: (\S+) -->$/

/**
 * The `ts` blocks of a page. A block may say what it takes from elsewhere,
 * `<!-- given: system, Device from ../given/devices; test from uvu -->`, or which file it goes on with,
 * `<!-- continues: counter.ts -->`.
 */
export function snippetsIn(page: string): Snippet[] {
  const lines = page.split('\n')
  const files = new Map<string, string[]>()
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```ts') continue
    const end = lines.indexOf('```', at)
    const comment = lines.slice(0, at).findLastIndex((line) => line !== '')
    const [, name] = /^\/\/ (\S+\.ts)\b/.exec(lines[at + 1]) ?? []
    const [, continued] = continues.exec(lines[comment]) ?? []
    const file = continued ?? name ?? `line-${at + 1}.ts`
    const code = files.get(file) ?? lines.map(() => '')
    if (continued !== undefined && !files.has(file)) throw new Error(`no ${file} to go on with`)
    const [, imports] = given.exec(lines[comment]) ?? []
    if (imports !== undefined) code[comment] = importsOf(imports)
    for (let line = at + 1; line < end; line++) code[line] = lines[line]
    files.set(file, code)
    at = end
  }
  return [...files].map(([file, code]) => ({ file, code: `${code.join('\n')}\nexport {}\n` }))
}

function importsOf(list: string): string {
  return list
    .split('; ')
    .map((part) => {
      const [names, from] = part.split(' from ')
      const module = from.startsWith('.') ? `${from}.js` : from
      return `import { ${names} } from '${module}'`
    })
    .join('; ')
}
