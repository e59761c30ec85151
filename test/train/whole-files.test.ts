import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KaitianError } from '@kaitian/errors'
import {
  checkRecordFolder,
  checkWritable,
  writeWhole,
  type Disk,
  type OpenFile,
} from '@kaitian/train'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite<{ folder: string }>('whole files')

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-files-'))
})

test.after.each(({ folder }) => rmSync(folder, { recursive: true }))

type Call = 'open' | 'write' | 'sync' | 'close' | 'rename'

interface Faults {
  /** Bytes that one write accepts. */
  readonly accepts?: number
  /** Bytes after which the disk is full. */
  readonly room?: number
  /** The call that fails, and how. */
  readonly fails?: Call
  readonly code?: string
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: made up`), { code })
}

/** The real disk, but for these faults. */
function faultyDisk({ accepts = Infinity, room = Infinity, fails, code = 'EIO' }: Faults): Disk {
  let left = room
  const may = (call: Call): void => {
    if (call === fails) throw errno(code)
  }
  return {
    async open(path, flags, mode) {
      if (flags === 'r') throw errno('EISDIR')
      may('open')
      const handle = await open(path, flags, mode)
      const faulty: OpenFile = {
        chmod: (rights) => handle.chmod(rights),
        chown: (uid, gid) => handle.chown(uid, gid),
        async close() {
          await handle.close()
          may('close')
        },
        async sync() {
          may('sync')
          await handle.sync()
        },
        write: (async (bytes: Uint8Array, offset: number, length: number, position: number) => {
          may('write')
          if (left === 0) throw errno('ENOSPC')
          const taken = Math.min(length, accepts, left)
          left -= taken
          return await handle.write(bytes, offset, taken, position)
        }) as OpenFile['write'],
      }
      return faulty
    },
    async rename(from, to) {
      may('rename')
      await rename(from, to)
    },
    rm: (path) => rm(path, { force: true }),
  }
}

async function refusal(action: () => unknown): Promise<KaitianError> {
  try {
    await action()
  } catch (error) {
    assert.instance(error, KaitianError)
    assert.is((error as KaitianError).code, 'FILE_WRITE_FAILED')
    return error as KaitianError
  }
  throw new Error('it was written')
}

const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251)

test('short writes are gone on with, one byte at a time if it must be', async ({ folder }) => {
  const file = join(folder, 'w')
  for (const accepts of [1, 7, 999, 1000]) {
    await writeWhole(file, bytes, faultyDisk({ accepts }))
    assert.equal(Uint8Array.from(readFileSync(file)), bytes, `${accepts} bytes at a time`)
  }
})

test('whatever call fails, the old file stands and nothing lies beside it', async ({ folder }) => {
  const file = join(folder, 'w')
  writeFileSync(file, 'old')
  const cases: [Faults, RegExp][] = [
    [{ fails: 'open', code: 'EROFS' }, /read-only/],
    [{ fails: 'open', code: 'EMFILE' }, /ulimit -n/],
    [{ fails: 'write' }, /answers with an error/],
    [{ room: 0 }, /disk is full/],
    [{ room: 999 }, /disk is full/],
    [{ room: 10, accepts: 3 }, /disk is full/],
    [{ fails: 'write', code: 'EFBIG' }, /ulimit -f/],
    [{ fails: 'write', code: 'EDQUOT' }, /quota/],
    [{ accepts: 0 }, /accepts no more/],
    [{ fails: 'sync' }, /answers with an error/],
    [{ fails: 'close', code: 'EDQUOT' }, /quota/],
    [{ fails: 'rename', code: 'EBUSY' }, /in use/],
  ]
  for (const [faults, sentence] of cases) {
    const error = await refusal(() => writeWhole(file, bytes, faultyDisk(faults)))
    assert.match(error.message, sentence, JSON.stringify(faults))
    assert.match(error.message, /has not changed/)
    assert.is(readFileSync(file, 'utf8'), 'old', JSON.stringify(faults))
    assert.equal(readdirSync(folder), ['w'], JSON.stringify(faults))
  }
})

test('a folder that goes away is said by name', async ({ folder }) => {
  const gone = join(folder, 'gone')
  mkdirSync(gone)
  checkWritable(join(gone, 'w'))
  rmSync(gone, { recursive: true })
  assert.match((await refusal(() => writeWhole(join(gone, 'w'), bytes))).message, /does not exist/)
})

test('the rights of the old file stay', async ({ folder }) => {
  const file = join(folder, 'w')
  writeFileSync(file, 'old')
  chmodSync(file, 0o640)
  await writeWhole(file, bytes)
  assert.is(statSync(file).mode & 0o7777, 0o640)
})

test('of a symbolic link the target is replaced, also one that is not there yet', async ({
  folder,
}) => {
  mkdirSync(join(folder, 'elsewhere'))
  const [target, link] = [join(folder, 'elsewhere', 'w'), join(folder, 'link')]
  symlinkSync('elsewhere/w', link)
  symlinkSync('link', join(folder, 'second'))
  for (const content of ['one', 'two']) {
    checkWritable(join(folder, 'second'))
    await writeWhole(join(folder, 'second'), content)
    assert.is(readFileSync(target, 'utf8'), content)
    assert.ok(lstatSync(link).isSymbolicLink())
  }
  assert.equal(readdirSync(join(folder, 'elsewhere')), ['w'])
  symlinkSync('circle', join(folder, 'circle'))
  assert.match((await refusal(() => checkWritable(join(folder, 'circle')))).message, /circle/)
})

test('what is no regular file is refused by its kind, at the door and by the writer', async ({
  folder,
}) => {
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  const link = join(folder, 'link')
  symlinkSync('fifo', link)
  const cases: [string, RegExp][] = [
    [fifo, /a FIFO/],
    [link, /a FIFO/],
    [folder, /a folder/],
  ]
  const device = join(folder, 'device')
  if (madeDevice(device)) cases.push([device, /a device/])
  for (const [file, kind] of cases) {
    const before = statSync(file)
    assert.match((await refusal(() => checkWritable(file))).message, kind)
    assert.match((await refusal(() => writeWhole(file, bytes))).message, kind)
    assert.is(statSync(file).ino, before.ino)
  }
})

/** Only root may make one, and not everywhere. */
function madeDevice(path: string): boolean {
  return spawnSync('mknod', [path, 'c', '1', '3']).status === 0
}

/** Rights do not bind root. */
const isRoot = process.getuid?.() === 0
const asUser = (...given: Parameters<typeof test>): void =>
  isRoot ? test.skip(...given) : test(...given)

asUser('without permission: at the door and by the writer', async ({ folder }) => {
  const file = join(folder, 'w')
  writeFileSync(file, 'old')
  chmodSync(file, 0o400)
  assert.match((await refusal(() => checkWritable(file))).message, /permission/)
  assert.match((await refusal(() => writeWhole(file, bytes))).message, /permission/)
  chmodSync(folder, 0o500)
  assert.match((await refusal(() => checkWritable(join(folder, 'new')))).message, /permission/)
  assert.match((await refusal(() => checkRecordFolder(join(folder, 'r')))).message, /permission/)
  chmodSync(folder, 0o700)
})

test('a record goes into a folder that is there or can be made', async ({ folder }) => {
  checkRecordFolder(folder)
  checkRecordFolder(join(folder, 'one', 'two'))
  symlinkSync(folder, join(folder, 'link'))
  checkRecordFolder(join(folder, 'link'))
  const file = join(folder, 'file')
  writeFileSync(file, '')
  for (const place of [file, join(file, 'deeper')]) {
    assert.match((await refusal(() => checkRecordFolder(place))).message, /not a folder/, place)
  }
  symlinkSync('nowhere', join(folder, 'dangling'))
  await refusal(() => checkRecordFolder(join(folder, 'dangling')))
  for (const name of ['run.json', 'journal.jsonl']) {
    writeFileSync(join(folder, name), '')
    assert.throws(
      () => checkRecordFolder(folder),
      (error: unknown) => error instanceof KaitianError && error.code === 'BAD_CONFIG',
    )
    rmSync(join(folder, name))
  }
})

test.run()
