import { Socket } from 'node:net'
import { systemClock } from '../clock.js'
import { seededRandom } from '../random.js'
import { rootSite } from '../site/wire.js'
import { exited } from '../supervision/failure.js'
import { Hall } from '../transport/hall.js'
import { Inlet } from '../transport/inlet.js'
import type { Port } from '../transport/port.js'
import { socketPort } from '../transport/socket-port.js'
import { watchParent } from './orphan-watch.js'
import { parentFd, type ProcessData } from './process.js'
import { importActor, runSite } from './site-main.js'
import { realWorld } from './world.js'

/** After a goodbye the parent should close its side too; one that hangs is not waited for. */
const goodbyeMs = 1000

/** The first module of an actor's process. */
const socket = new Socket({ fd: parentFd })
const port = socketPort(socket)
let leaving = false
let clear = (): void => undefined

// Whoever pressed Ctrl-C meant the parent, which will say what is to happen.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// An output that is lost, as by a closed pipe, is no reason to die.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)
// The parent has heard our goodbye, or is gone.
socket.once('close', () => {
  if (leaving) process.exit(0)
  clear()
  // Node.js would wait for the threads, and one may be in native code for ever.
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'))
  process.exit(1)
})
receiveFirst(port, (data, rest) => start(data as ProcessData, rest))

function start(data: ProcessData, rest: Port): void {
  const hall = new Hall(data.hall)
  clear = () => hall.clear(data.parent)
  const folder = data.parent === rootSite ? data.hall : undefined
  watchParent({ parentPid: data.parentPid, folder })
  const { crash } = runSite({
    data,
    port: rest,
    world: realWorld(data.site, hall, systemClock, seededRandom(...data.randomKey)),
    load: importActor,
    leave: () => {
      leaving = true
      systemClock.after(goodbyeMs, () => process.exit(0))
    },
  })
  process.on('uncaughtException', (error) => {
    crash({ reason: 'exited', error: exited('process', data.path, 1, error) })
  })
}

/** The first message says what to do; the others are for the site. */
function receiveFirst(from: Port, act: (first: unknown, rest: Port) => void): void {
  const inlet = new Inlet()
  const early: unknown[] = []
  const rest: Port = {
    post: (message, transfer) => from.post(message, transfer),
    receive: (next) => {
      inlet.attend(next)
      for (const message of early.splice(0)) inlet.deliver(message)
    },
    onClose: (closed) => from.onClose(closed),
    close: () => {
      inlet.close()
      from.close()
    },
  }
  let first = true
  from.receive((message) => {
    if (first) {
      first = false
      act(message, rest)
    } else if (inlet.attended) inlet.deliver(message)
    else early.push(message)
  })
}
