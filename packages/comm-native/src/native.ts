import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ownFile } from '@kaitian/errors'
import { addonFiles, platformName } from '../scripts/layout.js'
import type { Data } from './dtype.js'
import type { Failure } from './failure.js'
import type { DigestWords, SgdStep } from './types.js'

/**
 * The native addon's whole surface, declared once, and the only place that
 * loads it. Arguments are trusted: checks.ts has looked at them.
 */
export interface NativeAddon {
  /** process.versions.modules of the Node.js it was built for. */
  readonly nodeModules: string
  readonly compiler: string
  readonly instructionSet: string

  readonly Communicator: new (
    deadlineMs: number,
    patienceMs: number,
    generation: number,
    groups: readonly number[],
    /** Rounds f32 to bf16 between groups. */
    narrow: boolean,
    /** By dtype, then by rank; empty for a dtype that is not in use. */
    regions: readonly (readonly NativeRegion[])[],
    /** This process's group; −1 when all are in it. */
    group: number,
    /** By group; undefined for this process's. */
    trunks: readonly (NativeTrunk | undefined)[],
  ) => NativeCommunicator
  readonly DeviceContext: new () => NativeDeviceContext
  readonly Membership: new () => NativeMembership
  /** Makes memory, or opens what a process offers; throws a {@link NativeSharedFailure}. */
  readonly SharedRegion: {
    new (byteLength: number): NativeSharedRegion
    new (byteLength: number, pid: number, fd: number, inode: number): NativeSharedRegion
  }
  readonly Trunk: new (
    chunkBytes: number,
    window: number,
    keepAliveMs: number,
    silenceMs: number,
  ) => NativeTrunk

  /** What to call when there are completions to take. Call once, before anything is issued. */
  onCompletion(wake: () => void): void
  /** Calls `settle` for each completion since the last time. */
  takeCompletions(settle: (token: number, failure: Failure | undefined) => void): void
  abortCommunicator(id: number, cause: string): void
  /** The buffer's address modulo `modulus`. */
  addressModulo(buffer: SharedArrayBuffer, modulus: number): number

  sumF32(into: Float32Array, parts: readonly Float32Array[]): void
  sumI64(into: BigInt64Array, parts: readonly BigInt64Array[]): void
  quantise(sums: BigInt64Array, values: Float32Array, exponent: number): number
  dequantise(into: Float32Array, sums: BigInt64Array, exponent: number): void
  sgd(step: SgdStep): void
  digest(
    into: DigestWords,
    state: Float32Array,
    velocity: Float32Array | undefined,
    first: number,
  ): void
  runningStatistic(
    next: Float32Array,
    running: Float32Array,
    sum: Float32Array,
    count: number,
    momentum: number,
  ): void
}

export interface NativeRegion {
  readonly buffer: SharedArrayBuffer
  readonly byteOffset: number
  readonly byteLength: number
}

/** A signature, spread: objects would cost more than the call. Numbers are those of the lists. */
export type NativeSignature = [
  op: number,
  dtype: number,
  sequence: number,
  count: number,
  offset: number,
  generation: number,
]

export interface NativeCommunicator {
  id(): number
  issue(token: number, ...signature: NativeSignature): NativeOutcome
  abort(cause: string): void
  /** Aborts; other groups are told only if they begin something more. */
  retire(cause: string): void
  /** Completes when the native thread runs nothing any more. */
  end(token: number): void
  /** Joins the native thread and unpins; does not wait once `end` has completed. */
  release(): void
}

/** What has become of a call; after PENDING its token is reported. */
export const DONE = 0
export const PENDING = 1
/** The communicator was aborted: see `failure`. */
export const FAILED = 2
export const TOO_FAR = 3
export type NativeOutcome = typeof DONE | typeof PENDING | typeof FAILED | typeof TOO_FAR

export interface NativeMembership {
  join(id: number, rank: number): 'joined' | 'gone' | 'taken'
  ready(...signature: NativeSignature): NativeOutcome
  /**
   * `code` packs collective, op and dtype, four bits each, since each argument costs some 15 ns;
   * one array as `send` and `recv` is a call in place.
   */
  call(
    token: number,
    code: number,
    count: number,
    root: number,
    send: Data | undefined,
    recv: Data | undefined,
  ): NativeOutcome
  /** The same, but not on this thread. */
  callElsewhere(
    token: number,
    code: number,
    count: number,
    root: number,
    send: Data | undefined,
    recv: Data | undefined,
  ): NativeOutcome
  /** A message to `peer`, or from it; the one buffer says which. */
  pass(
    token: number,
    code: number,
    count: number,
    peer: number,
    send: Data | undefined,
    recv: Data | undefined,
  ): NativeOutcome
  failure(): Failure | undefined
  leave(): void
}

export interface NativeDeviceContext {
  /** Pins; false when the name is taken. */
  add(name: string, buffer: SharedArrayBuffer, byteOffset: number, byteLength: number): boolean
  release(): void
}

export interface NativeSharedRegion {
  /** A new object each time; the memory lives while any of them does. */
  buffer(): SharedArrayBuffer
  /** −1 once it was closed. */
  fd(): number
  inode(): number
  close(): void
}

export interface NativeTrunk {
  received(): number
  attached(): boolean
  /**
   * Takes over a duplicate of the descriptor, which stays the caller's to close. Completes with a
   * failure of kind `lost` when that connection carries nothing any more.
   */
  attach(fd: number, early: Uint8Array | undefined, peerReceived: number, token: number): void
  close(): void
  peakBytes(): number
}

export interface NativeSharedFailure extends Error {
  readonly reason: 'unsupported' | 'refused' | 'gone' | 'denied' | 'foreign' | 'short'
}

/** @throws when none is there for this Node.js and this platform, or none loads; says why */
export function loadAddon(): NativeAddon {
  ownFile('../native/binding.gyp', import.meta.url)
  const files = addonFiles()
  let failure: unknown
  for (const file of files.filter((path) => existsSync(path))) {
    try {
      return loadFrom(file)
    } catch (error) {
      failure ??= error
    }
  }
  const node = `Node.js ABI ${process.versions.modules} on ${platformName()}`
  throw failure ?? new Error(`it was not built, and none for ${node} came with the package`)
}

function loadFrom(file: string): NativeAddon {
  const addon = createRequire(file)(file) as NativeAddon
  const { modules } = process.versions
  if (addon.nodeModules !== modules) {
    throw new Error(`it was built for Node.js ABI ${addon.nodeModules}, this is ABI ${modules}`)
  }
  return addon
}
