import { shapedMs } from '@kaitian/train/device'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('pace')

const pace = { alphaMs: 10, betaMs: 2 }

test('a step takes the profile’s time, or its own compute where that is longer', () => {
  assert.is(shapedMs(pace, 1, 20, 15), 50)
  assert.is(shapedMs(pace, 1, 20, 80), 80)
})

test('a slow-down stretches the profile, and without a profile the own compute', () => {
  assert.is(shapedMs(pace, 2, 20, 15), 100)
  assert.is(shapedMs(undefined, 2, 20, 15), 30)
  assert.is(shapedMs(undefined, 1, 20, 15), 15)
})

test('without samples nothing is waited for', () => {
  assert.is(shapedMs(pace, 3, 0, 0.1), 0.1)
})

test.run()
