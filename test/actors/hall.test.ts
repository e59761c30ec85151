import { Hall } from '@kaitian/actors/internal'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from './support.js'

const test = suite('hall')

test('the folder is there while one of its sites listens', async () => {
  const hall = new Hall()
  const doors = [await hall.open('0.2', () => {}), await hall.open('0.3', () => {})]
  assert.equal(readdirSync(hall.folder).toSorted(), ['0.2', '0.3'])
  doors[0].close()
  assert.equal(readdirSync(hall.folder), ['0.3'])
  // While one comes the last one goes: the folder is made again.
  const opening = [1, 2, 3, 4].map((n) => hall.open(`0.${n}0`, () => {}))
  doors[1].close()
  for (const opened of opening) (await opened).close()
  assert.not(existsSync(hall.folder))
})

test('what a site and those below it left is cleared, and nothing of others', async () => {
  const hall = new Hall()
  const names = ['0', '0.p1', '0.p1.2', '0.p1.2.p7', '0.p12', '0.p2']
  const doors = await Promise.all(names.map((name) => hall.open(name, () => {})))
  hall.clear('0.p1')
  assert.equal(readdirSync(hall.folder).toSorted(), ['0', '0.p12', '0.p2'])
  hall.clear('0')
  assert.not(existsSync(hall.folder))
  for (const door of doors) door.close()
})

test("a folder that is not this user's alone is not used", async () => {
  const hall = new Hall()
  mkdirSync(hall.folder, { mode: 0o755 })
  const error = await rejection(
    hall.open('0', () => {}),
    'FILE_WRITE_FAILED',
  )
  assert.match(error.message, 'somebody else')
  rmSync(hall.folder, { recursive: true, force: true })
})

test.run()
