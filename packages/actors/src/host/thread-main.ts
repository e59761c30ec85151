import { workerData } from 'node:worker_threads'
import { systemClock } from '../clock.js'
import { seededRandom } from '../random.js'
import { exited, type End } from '../supervision/failure.js'
import { Hall } from '../transport/hall.js'
import { messagePort } from '../transport/message-port.js'
import { importActor, runSite } from './site-main.js'
import type { ThreadData } from './thread.js'
import { realWorld } from './world.js'

/** The first module of an actor's thread. */
const data = workerData as ThreadData
const port = messagePort(data.port, (error) => crash(ended(error)))
const { crash } = runSite({
  data,
  port,
  world: realWorld(data.site, new Hall(data.hall), systemClock, seededRandom(...data.randomKey)),
  load: importActor,
  // Handles of the user's that are still open must not keep the thread.
  leave: () => process.exit(0),
})

// An uncaught error ends the thread, as it would a process; this way it keeps code and fields.
process.on('uncaughtException', (error) => crash(ended(error)))

function ended(cause: Error): End {
  return { reason: 'exited', error: exited('thread', data.path, 1, cause) }
}
