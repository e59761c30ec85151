import { execFileSync, spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@kaitian/train/checkpoint'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { check } from '../checker/check.js'
import { kaitian, runInShell } from './command.js'
import type { Line } from './json-page.js'

// Files that the real command writes, on disks that do not take them.

const test = suite<{ folder: string }>('disk')
const task = fileURLToPath(new URL('./fixtures/small-task.js', import.meta.url))
const run = `$KAITIAN train ${task} --group a=sim@sim --no-evaluate`

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'kaitian-disk-'))
})

test.after.each(({ folder }) => rmSync(folder, { recursive: true }))

test('weights that do not fit leave the old ones, and the run has failed', async ({ folder }) => {
  const weights = join(folder, 'w.safetensors')
  writeFileSync(weights, 'good')
  const ran = await runInShell(`ulimit -f 64; ${run} --json --save ${weights}`)
  assert.is(ran.code, 1)
  assert.match(
    ran.err,
    /^kaitian: FILE_WRITE_FAILED: [^\n]*ulimit -f[^\n]*has not changed[^\n]*\n$/,
  )
  const end = JSON.parse(ran.out.trimEnd().split('\n').at(-1)!) as Line
  assert.is(end['outcome'], 'failed')
  assert.is((end['save'] as Line)['written'], false)
  assert.is(readFileSync(weights, 'utf8'), 'good')
  assert.equal(readdirSync(folder), ['w.safetensors'])
})

test('a report that does not fit leaves the old one', async ({ folder }) => {
  const report = join(folder, 'r.html')
  writeFileSync(report, 'good')
  const ran = await runInShell(`ulimit -f 16; ${run} --max-steps 2 --report ${report}`)
  assert.is(ran.code, 1)
  assert.match(ran.err, /^kaitian: FILE_WRITE_FAILED: /)
  assert.is(readFileSync(report, 'utf8'), 'good')
  assert.equal(readdirSync(folder), ['r.html'])
})

test('a journal that outgrows its disk ends the run; what was trained is still saved', async ({
  folder,
}) => {
  const [record, weights] = [join(folder, 'record'), join(folder, 'w.safetensors')]
  const files = `--record ${record} --sample-every 0 --save ${weights}`
  // The weights have 121 KiB; a step has some 0.7 KiB of journal.
  const ran = await runInShell(`ulimit -f 128; ${run} --epochs 1000 --json ${files}`)
  assert.is(ran.code, 1)
  assert.match(ran.err, /^kaitian: FILE_WRITE_FAILED: [^\n]*journal\.jsonl[^\n]*ulimit -f[^\n]*\n$/)
  const end = JSON.parse(ran.out.trimEnd().split('\n').at(-1)!) as Line
  assert.equal([end['outcome'], end['save']], ['failed', { file: weights, written: true }])
  assert.is((await readSafetensors(weights)).tensors.length, 2)
  const { ok, summary } = await check(record)
  assert.not(ok)
  assert.match(summary, /format/)
})

test('a sampled step that does not fit ends the run too', async ({ folder }) => {
  const record = join(folder, 'record')
  const ran = await runInShell(`ulimit -f 128; ${run} --record ${record}`)
  assert.is(ran.code, 1)
  assert.match(ran.err, /^kaitian: FILE_WRITE_FAILED: [^\n]*step-0-0\.safetensors[^\n]*\n$/)
  assert.not(readdirSync(record).some((name) => /safetensors|tmp$/.test(name)))
})

/** A disk of 64 KiB of one's own; not everybody may make one. */
const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0
const onSmallDisk = (...given: Parameters<typeof test>): void =>
  canMount ? test(...given) : test.skip(...given)

onSmallDisk('a disk that is really full', async ({ folder }) => {
  const weights = join(folder, 'w.safetensors')
  const script = join(folder, 'script')
  const lines = [
    `mount -t tmpfs -o size=64k none ${folder}`,
    `echo -n good >${weights}`,
    kaitian(`train ${task} --group a=sim@sim --no-evaluate --save ${weights}`),
    'code=$?',
    `ls -A ${folder}; cat ${weights}; exit $code`,
  ]
  writeFileSync(script, lines.join('\n'))
  const ran = await runInShell(`unshare -rm bash ${script}`)
  assert.is(ran.code, 1)
  assert.match(ran.err, /^kaitian: FILE_WRITE_FAILED: [^\n]*disk is full[^\n]*\n$/)
  assert.match(ran.out, /\nw\.safetensors\ngood$/)
})

test('what is no regular file is refused by its kind before anything starts', async ({
  folder,
}) => {
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  mkdirSync(join(folder, 'full'))
  writeFileSync(join(folder, 'full', 'run.json'), '{}')
  const cases: [string, RegExp][] = [
    [`--save ${fifo}`, /FILE_WRITE_FAILED: [^\n]* a FIFO/],
    [`--report ${fifo}`, /FILE_WRITE_FAILED: [^\n]* a FIFO/],
    [`--record ${fifo}`, /FILE_WRITE_FAILED: [^\n]* not a folder/],
    [`--save ${folder}`, /FILE_WRITE_FAILED: [^\n]* a folder/],
    [`--report ${folder}`, /FILE_WRITE_FAILED: [^\n]* a folder/],
    [`--record ${join(folder, 'full')}`, /BAD_CONFIG: [^\n]*record of another run/],
  ]
  for (const [files, line] of cases) {
    const ran = await runInShell(`${run} ${files}`)
    assert.is(ran.code, 2, files)
    assert.match(ran.err, line)
    assert.is(ran.out, '')
  }
  assert.ok(lstatSync(fifo).isFIFO())
})

test('links to files stay, and what they lead to is written', async ({ folder }) => {
  mkdirSync(join(folder, 'there'))
  for (const name of ['w.safetensors', 'r.html']) {
    symlinkSync(join('there', name), join(folder, name))
  }
  const [weights, report] = [join(folder, 'w.safetensors'), join(folder, 'r.html')]
  const ran = await runInShell(`${run} --max-steps 2 --save ${weights} --report ${report}`)
  assert.equal([ran.code, ran.err], [0, ''])
  assert.equal(readdirSync(join(folder, 'there')).toSorted(), ['r.html', 'w.safetensors'])
  assert.ok(lstatSync(weights).isSymbolicLink() && lstatSync(report).isSymbolicLink())
  assert.is((await readSafetensors(weights)).tensors.length, 2)
})

test.run()
