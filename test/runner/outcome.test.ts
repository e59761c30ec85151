import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasTotals, judge, progressIn } from './outcome.js'

const test = suite('outcome')

const totals = (total: number, passed: number): string =>
  ` a suite  • ✘ •   (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   0\n  Duration:  2ms\n\n`
const ended = { code: 0, signal: null }

test('all passed', () => {
  assert.equal(judge({ ...ended, output: totals(3, 3) }), { passed: 3, failed: 0 })
})

test('what failed counts, and so does how the process ended', () => {
  const { passed, failed } = judge({ ...ended, code: 1, output: totals(5, 3) })
  assert.equal([passed, failed], [3, 2])
  const { reason } = judge({ ...ended, code: null, signal: 'SIGSEGV', output: totals(3, 3) })
  assert.is(reason, 'exited with SIGSEGV')
})

test('no totals, no tests, or an end that was forced: each is a failure', () => {
  for (const [output, gaveUp, reason] of [
    ['', undefined, 'ended before it printed totals'],
    [totals(0, 0), undefined, 'ran no test'],
    [totals(3, 3), 'took too long', 'took too long'],
  ] as const) {
    const given = gaveUp === undefined ? {} : { gaveUp }
    const outcome = judge({ ...ended, output, ...given })
    assert.is(outcome.failed, 1)
    assert.is(outcome.reason, reason)
  }
})

test('colours and the totals of a program that it ran, behind a bar, make no difference', () => {
  const [red, plain] = ['\u001B[31m', '\u001B[39m']
  const inner = totals(9, 2).replaceAll(/^/gm, '  | ')
  const output = `${inner}${totals(3, 2).replace(/Passed:.*/, `${red}$&${plain}`)}`
  assert.not(hasTotals(inner))
  assert.ok(hasTotals(output))
  assert.equal([judge({ ...ended, output }).passed, judge({ ...ended, output }).failed], [2, 1])
})

test('how far it has come', () => {
  assert.equal(progressIn(' one  • •   (2 / 2)\n two  • '), { passed: 3, line: 'two  •' })
})

test.run()
