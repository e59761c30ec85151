import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KaitianError } from '@kaitian/errors'

/** Finds out before a long run that a file could not be written after it: FILE_WRITE_FAILED. */
export function checkWritable(file: string): void {
  try {
    accessSync(dirname(resolve(file)), constants.W_OK)
  } catch (cause) {
    throw writeFailed(file, cause)
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new KaitianError('FILE_WRITE_FAILED', `${file} is a folder; name a file in it.`, {
      fields: { file },
    })
  }
}

export function writeFailed(file: string, cause: unknown): KaitianError {
  const { code, message } = cause as NodeJS.ErrnoException
  const folder = dirname(resolve(file))
  const advice: Record<string, string> = {
    ENOENT: `the folder ${folder} does not exist; create it`,
    ENOTDIR: `${folder} is not a folder; name another place`,
    EACCES: `there is no permission to write in ${folder}; name another place`,
    EPERM: `there is no permission to write in ${folder}; name another place`,
    EROFS: `${folder} is read-only; name another place`,
    ENOSPC: 'the disk is full; free some space or name another place',
    EDQUOT: 'your disk quota is used up; free some space or name another place',
  }
  return new KaitianError(
    'FILE_WRITE_FAILED',
    `Cannot write ${file}: ${advice[code ?? ''] ?? message}.`,
    { cause, fields: { file, reason: code ?? 'unknown' } },
  )
}
