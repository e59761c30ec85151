import { dirname, resolve } from 'node:path'
import { KaitianError } from '@kaitian/errors'

/** Any reason why a file was not written, in a sentence with advice; one that has its own passes through. */
export function writeFailed(file: string, cause: unknown): KaitianError {
  if (cause instanceof KaitianError) return cause
  const { code = 'unknown', message } = cause as Partial<NodeJS.ErrnoException>
  const why = adviceOf(code, dirname(resolve(file))) ?? message ?? String(cause)
  return new KaitianError('FILE_WRITE_FAILED', `Cannot write ${file}: ${why}.`, {
    cause,
    fields: { file, reason: code },
  })
}

/** What stands at the path is nothing that a file could be written over. */
export function notAFile(file: string, kind: string): KaitianError {
  return new KaitianError(
    'FILE_WRITE_FAILED',
    `Cannot write ${file}: it is ${kind}; name a regular file, or a new one.`,
    { fields: { file, kind } },
  )
}

/** Why a write or a lack of room failed, and what helps; undefined for a reason that is not known. */
export function adviceOf(code: string, folder: string): string | undefined {
  switch (code) {
    case 'ENOENT':
      return `the folder ${folder} does not exist; create it`
    case 'ENOTDIR':
      return `${folder} is not a folder; name another place`
    case 'EACCES':
    case 'EPERM':
      return `there is no permission to write there; name another place`
    case 'EROFS':
      return `${folder} is read-only; name another place`
    case 'ENOSPC':
      return 'the disk is full; free some space or name another place'
    case 'EDQUOT':
      return 'your disk quota is used up; free some space or name another place'
    case 'EFBIG':
      return 'it is larger than a file may be here; raise the limit (ulimit -f) or name another disk'
    case 'EIO':
    case 'ESTALE':
      return 'the disk answers with an error; check it, or name another one'
    case 'EISDIR':
      return 'a folder of that name is there; name a file in it'
    case 'ELOOP':
      return 'its symbolic links lead round in a circle; name the file itself'
    case 'ENAMETOOLONG':
      return 'the name is too long; give a shorter one'
    case 'EBUSY':
      return 'it is in use, or a mount of its own; name another file'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open; raise the limit (ulimit -n)'
    default:
      return undefined
  }
}
