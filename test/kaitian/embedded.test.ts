import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

// A program of its own that embeds `train` and leaves `finished` alone.

const test = suite('embedded')
const service = fileURLToPath(new URL('./fixtures/service.js', import.meta.url))

interface Served {
  readonly code: number | null
  readonly err: string
  readonly seen: Readonly<Record<string, unknown>>
}

function serve(way: string, task = './ending-task.js'): Promise<Served> {
  // Little memory, so that it runs out soon.
  const words = ['--max-old-space-size=64', service, task, way]
  const env = { ...process.env, KAITIAN_TEST_WAY: way === 'close' ? 'hang' : way }
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.out += part))
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.err += part))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const seen = JSON.parse(text.out.split('\n')[0] || '{}') as Served['seen']
      resolve({ code, err: text.err, seen })
    })
  })
}

for (const [way, code, cause] of [
  ['exit', 'THREAD_EXITED', undefined],
  ['throw', 'THREAD_EXITED', /nobody catches this/],
  ['memory', 'THREAD_EXITED', /memory/],
  ['refuse', 'BAD_TASK', /no data today/],
] as const) {
  test(`a run that fails by ${way} does not end the service that ignores it`, async () => {
    const { code: exitCode, err, seen } = await serve(way)
    assert.is(exitCode, 0, err)
    assert.equal([seen['outcome'], seen['code'], seen['isError']], ['failed', code, true], err)
    if (cause !== undefined) assert.match(String(seen['cause']), cause)
  })
}

test('a run whose task never comes up is closed all the same', async () => {
  const { code, err, seen } = await serve('close')
  assert.equal([code, seen['outcome'], seen['code']], [0, 'stopped', undefined], err)
})

test.run()
