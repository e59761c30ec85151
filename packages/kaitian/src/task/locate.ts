import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { KaitianError } from '@kaitian/errors'

/** Where a folder keeps its task when its package.json does not say. */
const USUAL_PLACES = ['task.js', 'index.js', 'dist/task.js', 'dist/index.js']

/**
 * The `file:` URL of a task's module, from a path, a URL or a folder (its
 * package.json's exports or main, else a usual place). Throws BAD_TASK when
 * there is nothing to import.
 */
export function locateTask(task: string | URL): string {
  const path = resolve(pathOf(task))
  if (!existsSync(path))
    refuse(`There is no task at ${path}; name a module file or a folder.`, path)
  const file = statSync(path).isDirectory() ? moduleOfFolder(path) : path
  if (/\.[cm]?ts$/.test(file) && !stripsTypes()) {
    refuse(`This Node cannot import ${file}; compile it and name the .js file.`, file)
  }
  return pathToFileURL(file).href
}

function pathOf(task: string | URL): string {
  if (typeof task === 'string' && !/^[a-z][a-z0-9+.-]+:\/\//i.test(task)) return task
  const url = new URL(task)
  if (url.protocol === 'file:') return fileURLToPath(url)
  refuse(
    `The task ${url.href} is not on this machine; only file: URLs and paths are read.`,
    url.href,
  )
}

function moduleOfFolder(folder: string): string {
  const named = namedByPackage(folder)
  if (named !== undefined) {
    const file = join(folder, named)
    if (existsSync(file)) return file
    refuse(`${folder} names ${named} as its module, which is not there; build it first.`, folder)
  }
  const usual = USUAL_PLACES.map((name) => join(folder, name)).find((file) => existsSync(file))
  if (usual !== undefined) return usual
  refuse(
    `The folder ${folder} names no task; give its package.json a "main", or add ${USUAL_PLACES[0]}.`,
    folder,
  )
}

function namedByPackage(folder: string): string | undefined {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  try {
    const { exports, main } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    return entryOf(exports) ?? entryOf(main)
  } catch (cause) {
    throw new KaitianError('BAD_TASK', `${file} is not valid JSON; mend it.`, { cause })
  }
}

/** The file behind `exports` or `main`: its "." entry, by the conditions `import` and `default`. */
function entryOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry
  if (typeof entry !== 'object' || entry === null) return undefined
  const conditions = entry as Record<string, unknown>
  return entryOf(conditions['.'] ?? conditions['import'] ?? conditions['default'])
}

function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: string | false }).typescript)
}

function refuse(sentence: string, task: string): never {
  throw new KaitianError('BAD_TASK', sentence, { fields: { task } })
}
