import { KaitianError, type ErrorCode } from '@kaitian/errors'
import { checkNatural } from './checks.js'
import { loadError } from './load-error.js'
import { loadAddon, type NativeAddon, type NativeSharedFailure } from './native.js'
import type { NativeSharedRegion } from './native.js'

/**
 * Memory that processes of one user and machine share. Posting the buffer takes it to the
 * threads of this process, posting the address to another process, which opens it there.
 *
 * Plain loads, stores and Atomics work across processes; Atomics.wait and notify do not, for
 * JavaScript engines keep their lists of waiters each to themselves.
 */
export interface SharedRegion {
  readonly buffer: SharedArrayBuffer
  readonly byteLength: number
  /** Good while this process lives, holds the buffer and has not called `close`. */
  readonly address: SharedRegionAddress
  /** No more processes can open it by this address. Who has the memory keeps it. */
  close(): void
}

/** Plain data. */
export interface SharedRegionAddress {
  readonly pid: number
  /** The number of that process's file descriptor. */
  readonly fd: number
  readonly byteLength: number
  /** Numbers of descriptors are used again; this tells whether it is still the same memory. */
  readonly inode: number
}

/** Zeroed memory. @throws NATIVE_LOAD_FAILED, UNSUPPORTED_PLATFORM, OUT_OF_MEMORY, BAD_ARGUMENT */
export function createSharedRegion(byteLength: number): SharedRegion {
  checkByteLength(byteLength)
  const { SharedRegion } = addon()
  try {
    return regionOver(new SharedRegion(byteLength), byteLength)
  } catch (cause) {
    throw refused(cause as NativeSharedFailure, byteLength)
  }
}

/**
 * The same memory, under an address of this process's own: it stays when the other process
 * closes it or dies.
 *
 * @throws PEER_DOWN when that process no longer offers it, FILE_CORRUPT when it offers something
 *   else by that number, and as {@link createSharedRegion} does
 */
export function openSharedRegion(address: SharedRegionAddress): SharedRegion {
  const { pid, fd, byteLength, inode } = address
  checkByteLength(byteLength)
  for (const [name, value] of Object.entries({ pid, fd, inode })) checkNatural(name, value)
  const { SharedRegion } = addon()
  try {
    return regionOver(new SharedRegion(byteLength, pid, fd, inode), byteLength)
  } catch (cause) {
    throw notOpened(cause as NativeSharedFailure, address)
  }
}

function regionOver(native: NativeSharedRegion, byteLength: number): SharedRegion {
  return {
    buffer: native.buffer(),
    byteLength,
    address: { pid: process.pid, fd: native.fd(), byteLength, inode: native.inode() },
    close: () => native.close(),
  }
}

function addon(): NativeAddon {
  if (process.platform !== 'linux') {
    throw new KaitianError(
      'UNSUPPORTED_PLATFORM',
      `Processes share memory only on Linux, not on ${process.platform}; put these actors on threads of one process.`,
      { fields: { platform: process.platform } },
    )
  }
  try {
    return loadAddon()
  } catch (error) {
    throw loadError(error, 'put these actors on threads of one process')
  }
}

function checkByteLength(byteLength: number): void {
  checkNatural('byteLength', byteLength)
  if (byteLength > 0) return
  throw new KaitianError('BAD_ARGUMENT', 'byteLength must be above 0: there is no empty memory.')
}

function refused(cause: NativeSharedFailure, byteLength: number): KaitianError {
  return new KaitianError(
    'OUT_OF_MEMORY',
    `The system gives no ${byteLength} bytes of shared memory (${cause.message}); close regions, or raise the limits of memory and open files.`,
    { cause, fields: { byteLength } },
  )
}

function notOpened(cause: NativeSharedFailure, address: SharedRegionAddress): KaitianError {
  const { pid, fd, byteLength } = address
  const name = `file descriptor ${fd} of process ${pid}`
  const failed = (code: ErrorCode, sentence: string): KaitianError =>
    new KaitianError(code, sentence, { cause, fields: { ...address } })
  switch (cause.reason) {
    case 'gone':
      return failed(
        'PEER_DOWN',
        `Nothing is shared any more as ${name}: it has ended, or closed the region. Ask who holds the memory for a new address.`,
      )
    case 'denied':
      return failed(
        'PEER_DOWN',
        `The ${name} cannot be opened (${cause.message}); run both processes as the same user.`,
      )
    case 'foreign':
    case 'short':
      return failed(
        'FILE_CORRUPT',
        `The ${name} is not the shared memory of ${byteLength} bytes that the address names (${cause.message}). Ask who holds the memory for a new address.`,
      )
    default:
      return refused(cause, byteLength)
  }
}
