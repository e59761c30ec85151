import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KaitianError } from '@kaitian/errors'
import { writeFailed } from './failure.js'
import { placeOf } from './place.js'

/** What files are written with; in tests one that fails as disks do. */
export interface Disk {
  open(path: string, flags: string, mode?: number): Promise<OpenFile>
  rename(from: string, to: string): Promise<void>
  rm(path: string): Promise<void>
}

export type OpenFile = Pick<FileHandle, 'chmod' | 'chown' | 'close' | 'sync' | 'write'>

const nodeDisk: Disk = { open, rename, rm: (path) => rm(path, { force: true }) }

/** Below what one call of the system takes. */
const LONGEST_WRITE = 2 ** 26

/**
 * Writes all of the file or nothing: to a new file beside it, flushed to the disk, then renamed
 * over it. Mode and owner stay. Every failure before the renaming leaves the old file as it was.
 * A process that is killed meanwhile leaves the new one behind, as `.kaitian-….tmp`.
 *
 * The libraries for this (write-file-atomic, atomically) call `write` once and take whatever
 * part the disk has accepted for the whole.
 *
 * @throws KaitianError FILE_WRITE_FAILED
 */
export async function writeWhole(
  file: string,
  content: string | Uint8Array,
  disk: Disk = nodeDisk,
): Promise<void> {
  try {
    const { path, old } = placeOf(file)
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    await replace(path, old, bytes, disk)
  } catch (cause) {
    throw unchanged(writeFailed(file, cause))
  }
}

async function replace(
  path: string,
  old: Stats | undefined,
  bytes: Uint8Array,
  disk: Disk,
): Promise<void> {
  // Short, whatever the length of the file's own name.
  const fresh = join(dirname(path), `.kaitian-${randomBytes(6).toString('hex')}.tmp`)
  const handle = await disk.open(fresh, 'wx', old === undefined ? 0o666 : old.mode & 0o777)
  try {
    try {
      await writeAll(handle, bytes)
      if (old !== undefined) await keepRights(handle, old)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await disk.rename(fresh, path)
  } catch (error) {
    await disk.rm(fresh).catch(() => {})
    throw error
  }
  await syncFolder(dirname(path), disk)
}

/** A full disk, and a limit on the size of files, accept a part first and refuse only then. */
async function writeAll(handle: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(LONGEST_WRITE, bytes.length - at)
    const { bytesWritten } = await handle.write(bytes, at, length, at)
    if (bytesWritten === 0) throw new Error('the disk accepts no more')
    at += bytesWritten
  }
}

/** As far as the system lets: only root may give a file away, and some disks know no rights. */
async function keepRights(handle: OpenFile, { uid, gid, mode }: Stats): Promise<void> {
  await handle.chown(uid, gid).catch(() => {})
  await handle.chmod(mode & 0o7777).catch(() => {})
}

/** So that the new name outlives a power cut, on systems where a folder can be flushed. */
async function syncFolder(folder: string, disk: Disk): Promise<void> {
  try {
    const handle = await disk.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // The file is whole and in its place.
  }
}

function unchanged({ code, message, cause, fields }: KaitianError): KaitianError {
  return new KaitianError(code, `${message} What was there has not changed.`, { cause, fields })
}
