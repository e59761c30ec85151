import { workerData } from 'node:worker_threads'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { systemClock } from '../clock.js'
import { endToRecord, threadExited, type End } from '../supervision/failure.js'
import { unpack } from '../site/parcel.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import { seededRandom } from '../random.js'
import { Site } from '../site/site.js'
import type { ThreadData } from '../site/wire.js'

/** The first module of an actor's thread: starts the actor, and ends the thread with it. */
const data = workerData as ThreadData
const site = new Site({
  id: data.site,
  clock: systemClock,
  random: seededRandom(...data.randomKey),
  firstChildId: data.firstChildId,
  parent: { site: data.parent, port: data.port },
})
const parent = site.link(data.parent)

// An uncaught error ends the thread, as it would a process; this way it keeps code and fields.
process.on('uncaughtException', (error) => {
  leave({ reason: 'exited', error: threadExited(data.path, 1, error) })
})

try {
  const actor = await importActor()
  const child = site.nursery.makeRoot(data, { actor, args: unpack(data.args, site.open) })
  void child.gone.then(leave)
  await child.start()
  parent.post({ t: 'started' })
} catch (error) {
  const cause = toKaitianError(error, 'SPAWN_FAILED', `${data.path} did not start`)
  parent.post({ t: 'started', error: cause.toRecord() })
  leave({ reason: 'failed', error: cause })
}

function leave(end: End): void {
  site.close(endToRecord(end))
  // Handles of the user's that are still open must not keep the thread.
  process.exit(0)
}

async function importActor(): Promise<ActorClass<Protocol, unknown>> {
  const exports = (await import(data.module)) as Record<string, unknown>
  const actor = [exports[data.className], exports.default].find(
    (candidate) => typeof candidate === 'function' && candidate.name === data.className,
  )
  if (actor !== undefined) return actor as ActorClass<Protocol, unknown>
  throw new KaitianError(
    'SPAWN_FAILED',
    `${data.module} does not export the class ${data.className}; export it under its own name`,
    { fields: { module: data.module, className: data.className } },
  )
}
