// A program with actors in processes, to see what becomes of them when it is told to end, or dies.
import { createSystem, type Ref } from '@kaitian/actors'
import { Settler, type Neighbour, type SettlerArgs } from '../fixtures/settler.js'

const on = { process: new URL('../fixtures/settler.js', import.meta.url) }
const system = createSystem()

function settle(name: string, args: SettlerArgs = {}): Promise<Ref<typeof Settler.protocol>> {
  return system.spawn(Settler, args, { name, on })
}

function tell(what: string, value: unknown): void {
  process.stdout.write(`${what} ${JSON.stringify(value)}\n`)
}

const [idle, looping, blocked, threaded] = await Promise.all([
  settle('idle', { child: { name: 'kid', on: 'process' } }),
  settle('looping'),
  settle('blocked', { child: { name: 'kid', on: 'process' } }),
  settle('threaded', { child: { name: 'kid', on: 'thread' } }),
])
const kids = await Promise.all([idle, blocked, threaded].map((parent) => parent.ask.child()))
const all: Neighbour[] = [idle, looping, blocked, threaded, ...kids]
const homes = await Promise.all(all.map((ref) => ref.ask.home()))
// They talk to each other, and so leave sockets.
await idle.ask.askOther({ other: looping, value: 1 })

if (process.argv[2] === 'die') {
  const here = await system.spawn(Settler, {})
  const hang = (ref: Neighbour, where: 'loop' | 'native code'): void => {
    const hanging = (ref as typeof idle).ask.hang({ in: where, other: here })
    hanging.catch(() => undefined)
  }
  hang(looping, 'loop')
  for (const ref of [blocked, kids[1], kids[2]]) hang(ref, 'native code')
  while ((await here.ask.echoed()) < 4);
}
process.on('SIGINT', () => {
  void (async () => {
    tell('still here', await Promise.all(all.map((ref) => ref.ask.echo('yes'))))
    await system.dispose()
    tell('disposed', true)
  })()
})
await idle.ask.say('a child')
tell('ready', [...new Set(homes.map(({ pid }) => pid))])
