import { overSeeds, testSystem } from '@kaitian/actors/testing'
import { KaitianError } from '@kaitian/errors'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Archive, ArchiveProtocol } from './archive.js'
import { Writer } from './writer.js'

const onThread = {
  on: { thread: new URL('./archive.js', import.meta.url) },
  restart: { max: 100, withinMs: 60_000, backoffMs: 50, maxBackoffMs: 50 },
}

test('a line that is refused is written again after 100 ms, then after 200 ms', async () => {
  await using system = testSystem({ seed: 1 })
  const archive = await system.probe(ArchiveProtocol)
  const writer = await system.spawn(Writer, { archive: archive.ref })
  const written = writer.ask.write({ line: 'one' })
  for (const waitMs of [100, 200]) {
    const put = await archive.expect('put')
    put.refuse(new KaitianError('DATA_MISSING', 'The disk is full'))
    await system.advance(waitMs - 1)
    await archive.expectNothing()
    await system.advance(1)
  }
  const put = await archive.expect('put')
  assert.equal(put.payload, { line: 'one' })
  put.reply(undefined)
  await written
})

test('a line outlives the thread of the archive', async () => {
  await using system = testSystem({ seed: 1 })
  const archive = await system.spawn(Archive, undefined, onThread)
  const writer = await system.spawn(Writer, { archive })
  system.faults.stall(archive)
  const written = writer.ask.write({ line: 'one' })
  await system.settle()
  system.faults.exit(archive)
  await system.advance(100)
  await written
  assert.equal(await archive.ask.lines(), ['one'])
})

type Step = { do: 'write'; line: string } | { do: 'advance'; ms: number } | { do: 'exit' }

test('lines come in order and without a gap, whenever the archive dies', async () => {
  await overSeeds<Step>({
    seeds: 200,
    generate: (random) =>
      Array.from({ length: 30 }, (_, at): Step => {
        if (random.next() < 0.2) return { do: 'exit' }
        if (random.next() < 0.5) return { do: 'advance', ms: random.integer(200) }
        return { do: 'write', line: `line ${at}` }
      }),
    async run(system, steps) {
      const archive = await system.spawn(Archive, undefined, onThread)
      const writer = await system.spawn(Writer, { archive })
      const lines: string[] = []
      const written: Promise<void>[] = []
      for (const step of steps) {
        if (step.do === 'exit') system.faults.exit(archive)
        if (step.do === 'advance') await system.advance(step.ms)
        if (step.do !== 'write') continue
        lines.push(step.line)
        written.push(writer.ask.write({ line: step.line }))
      }
      await system.advance(60_000)
      await Promise.all(written)
      const kept = await archive.ask.lines()
      assert.equal(kept, lines.slice(lines.length - kept.length))
    },
  })
})

test.run()
