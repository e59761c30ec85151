import { argv } from 'node:process'

/** Fakes the timers before the kit is loaded: `node late-import.js sinon|node`. */
const [, , fake] = argv
if (fake === 'sinon') {
  const { install } = await import('@sinonjs/fake-timers')
  install()
} else {
  const { mock } = await import('node:test')
  mock.timers.enable()
}
const { testSystem } = await import('@kaitian/actors/testing')
const system = testSystem({ seed: 1 })
try {
  await system.settle()
  console.log('goes on')
} catch (error) {
  console.log(String(error))
}
