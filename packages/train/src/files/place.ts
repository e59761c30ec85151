import { accessSync, constants, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KaitianError } from '@kaitian/errors'
import { notAFile, writeFailed } from './failure.js'

/** Where a file will really lie. */
export interface Place {
  /** Absolute, with no symbolic link as its last part. */
  readonly path: string
  /** The regular file that is there now. */
  readonly old: Stats | undefined
}

/** As many as Linux follows. */
const MOST_LINKS = 40

/**
 * Finds where a file is to be written: what a symbolic link leads to is replaced, not the link.
 *
 * @throws KaitianError FILE_WRITE_FAILED where something stands that is no regular file (a folder,
 *   a device, a FIFO, a socket), or one that is write-protected
 */
export function placeOf(file: string): Place {
  try {
    let path = resolve(file)
    for (let links = 0; links <= MOST_LINKS; links++) {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found === undefined) return { path, old: undefined }
      if (found.isFile()) {
        accessSync(path, constants.W_OK)
        return { path, old: found }
      }
      if (!found.isSymbolicLink()) throw notAFile(file, kindOf(found))
      path = resolve(dirname(path), readlinkSync(path))
    }
    throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP' })
  } catch (cause) {
    throw writeFailed(file, cause)
  }
}

/**
 * Finds out before a long run that a file could not be written after it.
 *
 * @throws KaitianError FILE_WRITE_FAILED
 */
export function checkWritable(file: string): void {
  const { path } = placeOf(file)
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (cause) {
    throw writeFailed(file, cause)
  }
}

/**
 * Finds out before a long run that a record could not be written into the folder, which need not
 * be there yet.
 *
 * @throws KaitianError FILE_WRITE_FAILED; BAD_CONFIG where it holds another record
 */
export function checkRecordFolder(folder: string): void {
  let names: readonly string[] = []
  try {
    const there = nearestThere(resolve(folder))
    accessSync(there, constants.W_OK)
    const content = readdirSync(there)
    if (there === resolve(folder)) names = content
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOTDIR') throw writeFailed(folder, cause)
    throw new KaitianError(
      'FILE_WRITE_FAILED',
      `Cannot write a record into ${folder}: that is, or lies in, something that is not a folder; name a new folder.`,
      { cause, fields: { file: folder, reason: 'ENOTDIR' } },
    )
  }
  // Files of an earlier run would be taken for this one's.
  if (!names.some((name) => RECORD_FILES.includes(name))) return
  throw new KaitianError(
    'BAD_CONFIG',
    `${folder} holds the record of another run; name a new folder, or remove that one.`,
    { fields: { folder } },
  )
}

/** Either shows that a record is there. */
const RECORD_FILES = ['run.json', 'journal.jsonl']

/** The path itself, or the nearest folder above it that exists. */
function nearestThere(path: string): string {
  // A dangling link is there: nothing can be made in its place.
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return path
  const parent = dirname(path)
  return parent === path ? path : nearestThere(parent)
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder'
  if (found.isFIFO()) return 'a FIFO'
  if (found.isSocket()) return 'a socket'
  return 'a device'
}
