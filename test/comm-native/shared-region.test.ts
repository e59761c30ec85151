import { createSharedRegion, openSharedRegion } from '@kaitian/comm-native'
import type { SharedRegion, SharedRegionAddress } from '@kaitian/comm-native'
import { execFileSync } from 'node:child_process'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { whenNative } from './conformance.js'
import { thrown } from './ranks.js'
import { ProcessSharer, ThreadSharer } from './sharers.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

type Sharer = ProcessSharer | ThreadSharer

/** A test with other processes or threads, which end with it. */
function withSharers<S extends Sharer>(make: () => S, body: (...sharers: [S, S]) => Promise<void>) {
  return async (): Promise<void> => {
    const sharers: [S, S] = [make(), make()]
    try {
      await body(...sharers)
    } finally {
      await Promise.all(sharers.map((sharer) => sharer.kill()))
    }
  }
}

const processes = (): ProcessSharer => new ProcessSharer()
const threads = (): ThreadSharer => new ThreadSharer()

async function creation(sharer: Sharer, byteLength: number): Promise<SharedRegionAddress> {
  return (await sharer.call({ do: 'create', byteLength })) as SharedRegionAddress
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  const error: unknown = await promise.catch((reason: unknown) => reason)
  assert.is((error as { code?: string }).code, code, String(error))
}

/** Collects until it is so; the runner's time limit ends a wait in vain. */
async function collectUntil(done: () => boolean): Promise<void> {
  while (!done()) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Of this process's memory: what is mapped, and what is open. */
function left(): { mappings: number; descriptors: number } {
  const maps = readFileSync('/proc/self/maps', 'utf8')
  const targets = readdirSync('/proc/self/fd').map((fd) => targetOf(`/proc/self/fd/${fd}`))
  return {
    mappings: maps.split('memfd:kaitian').length - 1,
    descriptors: targets.filter((target) => target.includes('memfd:kaitian')).length,
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // It was the listing's own.
    return ''
  }
}

function nothingLeft(): Promise<void> {
  return collectUntil(() => {
    const { mappings, descriptors } = left()
    return mappings + descriptors === 0
  })
}

function acrossProcesses(): void {
  const test = suite('shared regions across processes')
  test(
    'three processes see one zeroed memory',
    withSharers(processes, async (one, other) => {
      const address = await creation(one, 1 << 20)
      const region = openSharedRegion(address)
      const words = new Int32Array(region.buffer)
      assert.is(words.length, 1 << 18)
      assert.ok(words.every((word) => word === 0))
      await other.call({ do: 'open', address })
      await one.call({ do: 'store', index: 7, value: 41 })
      assert.is(await other.call({ do: 'load', index: 7 }), 41)
      assert.is(Atomics.load(words, 7), 41)
      Atomics.store(words, words.length - 1, 42)
      assert.is(await one.call({ do: 'load', index: words.length - 1 }), 42)
    }),
  )
  test(
    'atomic additions of processes at the same time all count',
    withSharers(processes, async (one, other) => {
      const region = createSharedRegion(64)
      for (const sharer of [one, other]) await sharer.call({ do: 'open', address: region.address })
      const adding = [one, other].map((sharer) =>
        sharer.call({ do: 'add', index: 3, times: 100_000 }),
      )
      const words = new Int32Array(region.buffer)
      for (let time = 0; time < 100_000; time++) Atomics.add(words, 3, 1)
      await Promise.all(adding)
      assert.is(words[3], 300_000)
    }),
  )
  test(
    'memory outlives the close and the death of its creator, and has a new address',
    withSharers(processes, async (one, other) => {
      const address = await creation(one, 4096)
      const region = openSharedRegion(address)
      await one.call({ do: 'store', index: 0, value: 5 })
      await one.call({ do: 'close' })
      await rejects(other.call({ do: 'open', address }), 'PEER_DOWN')
      await one.call({ do: 'store', index: 1, value: 6 })
      await one.kill()
      assert.equal([...new Int32Array(region.buffer, 0, 3)], [5, 6, 0])
      await other.call({ do: 'open', address: region.address })
      assert.is(await other.call({ do: 'load', index: 1 }), 6)
      // Within this process the descriptor's number may be somebody else's by now.
      const { code } = thrown(() => openSharedRegion(address))
      assert.ok(code === 'PEER_DOWN' || code === 'FILE_CORRUPT', code)
    }),
  )
  test.run()
}

function wrongAddresses(): void {
  const test = suite('shared regions by wrong addresses')
  test(
    'a wrong descriptor, too short a region and another number are refused by name',
    withSharers(processes, async (one) => {
      const folder = mkdtempSync(join(tmpdir(), 'kaitian-test-'))
      const file = join(folder, 'file')
      writeFileSync(file, Buffer.alloc(8192))
      const address = await creation(one, 4096)
      const fd = (await one.call({ do: 'openFile', path: file })) as number
      const refusal = (part: Partial<SharedRegionAddress>): string =>
        thrown(() => openSharedRegion({ ...address, ...part })).code
      assert.is(refusal({ fd }), 'FILE_CORRUPT')
      // Its channel to this process.
      assert.is(refusal({ fd: 3 }), 'FILE_CORRUPT')
      assert.is(refusal({ byteLength: 4097 }), 'FILE_CORRUPT')
      assert.is(refusal({ inode: address.inode + 1 }), 'FILE_CORRUPT')
      assert.is(refusal({ fd: 9999 }), 'PEER_DOWN')
      assert.is(refusal({ pid: 2 ** 40 }), 'PEER_DOWN')
      for (const part of [{ fd: -1 }, { pid: 1.5 }, { byteLength: 0 }, { inode: NaN }]) {
        assert.is(refusal(part), 'BAD_ARGUMENT')
      }
      rmSync(folder, { recursive: true })
    }),
  )
  test.run()
}

function acrossThreads(): void {
  const test = suite('shared regions across threads')
  test(
    'a buffer is posted to threads as any shared one',
    withSharers(threads, async (one, other) => {
      const { buffer } = createSharedRegion(64)
      for (const sharer of [one, other]) await sharer.call({ do: 'hold', buffer })
      await one.call({ do: 'store', index: 2, value: 9 })
      assert.is(await other.call({ do: 'load', index: 2 }), 9)
      assert.is(new Int32Array(buffer)[2], 9)
    }),
  )
  test(
    'memory and address of an ended thread live as long as somebody holds the buffer',
    withSharers(threads, async (one, other) => {
      const address = await creation(one, 4096)
      await one.call({ do: 'store', index: 0, value: 3 })
      await other.call({ do: 'hold', buffer: await bufferOf(one) })
      await one.kill()
      collect()
      await other.call({ do: 'open', address })
      assert.is(await other.call({ do: 'load', index: 0 }), 3)
    }),
  )
  test(
    'what a thread leaves behind goes with it',
    withSharers(threads, async (one) => {
      await nothingLeft()
      const address = await creation(one, 4096)
      assert.equal(left(), { mappings: 1, descriptors: 1 })
      await one.kill()
      await nothingLeft()
      // Within this process the descriptor's number may be somebody else's by now.
      const { code } = thrown(() => openSharedRegion(address))
      assert.ok(code === 'PEER_DOWN' || code === 'FILE_CORRUPT', code)
    }),
  )
  test.run()
}

async function bufferOf(sharer: ThreadSharer): Promise<SharedArrayBuffer> {
  return (await sharer.call({ do: 'give' })) as SharedArrayBuffer
}

function lifetimes(): void {
  const test = suite('shared regions, lifetimes')
  test('a thousand regions that were closed leave neither descriptor nor mapping', async () => {
    await nothingLeft()
    for (let round = 0; round < 1000; round++) openAndClose()
    assert.is(left().descriptors, 0)
    await nothingLeft()
  })
  test('so do regions that were forgotten', async () => {
    for (let round = 0; round < 100; round++) createSharedRegion(1 << 20)
    await nothingLeft()
  })
  test('a refused region leaves nothing', async () => {
    await nothingLeft()
    const region: SharedRegion = createSharedRegion(16)
    const longer = { ...region.address, byteLength: 17 }
    for (let round = 0; round < 100; round++) thrown(() => openSharedRegion(longer))
    assert.is(thrown(() => createSharedRegion(2 ** 52)).code, 'OUT_OF_MEMORY')
    assert.equal(left(), { mappings: 1, descriptors: 1 })
    region.close()
  })
  test('closing keeps the memory', () => {
    const region = createSharedRegion(16)
    region.close()
    new Uint8Array(region.buffer).fill(7)
    assert.is(thrown(() => openSharedRegion(region.address)).code, 'PEER_DOWN')
    assert.is(new Uint8Array(region.buffer)[15], 7)
  })
  test.run()
}

/** Of its own: a suspended function would keep the last region. */
function openAndClose(): void {
  const region = createSharedRegion(4096)
  const again = openSharedRegion(region.address)
  for (const each of [region, again, region]) each.close()
}

function refusals(): void {
  const test = suite('shared regions, where there are none')
  test('without the native core they are refused, with what to do', () => {
    const program = fileURLToPath(new URL('./programs/no-addon.js', import.meta.url))
    const output = execFileSync(process.execPath, [program], { encoding: 'utf8' })
    assert.match(output, /^NATIVE_LOAD_FAILED: .*npx kaitian build-native.*threads of one process/)
  })
  test('on another system than Linux they are refused by name', () => {
    const { platform } = process
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    try {
      const error = thrown(() => createSharedRegion(64))
      assert.is(error.code, 'UNSUPPORTED_PLATFORM')
      assert.match(error.message, /only on Linux, not on darwin; put these actors on threads/)
    } finally {
      Object.defineProperty(process, 'platform', { value: platform })
    }
  })
  test('a length that is none is refused before anything is loaded', () => {
    for (const length of [0, -1, 1.5, NaN, 2 ** 60]) {
      assert.is(thrown(() => createSharedRegion(length)).code, 'BAD_ARGUMENT')
    }
  })
  test.run()
}

refusals()
if (process.platform === 'linux') {
  whenNative(() => {
    acrossProcesses()
    wrongAddresses()
    acrossThreads()
    lifetimes()
  })
}
