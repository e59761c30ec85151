import { suite } from 'uvu'
import { fragile } from './fragile.js'

const test = suite('a suite')
test('that fails', () => fragile())
test.run()
