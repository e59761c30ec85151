import test from 'node:test'
import { fragile } from './fragile.js'

void test('a suite', async (t) => {
  await t.test('that fails', fragile)
})
