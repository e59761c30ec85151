import { KaitianError, toKaitianError } from '@kaitian/errors'
import { tableOf, type MessageTable } from '../actor/table.js'
import type { ActorClass, Protocol } from '../api/protocol.js'
import { unpack } from '../site/parcel.js'
import { Site, type SiteWorld } from '../site/site.js'
import type { SiteData } from '../site/wire.js'
import { endToRecord, spawnFailed, type End } from '../supervision/failure.js'
import type { Port } from '../transport/port.js'

/** What a thread or process gives to the site that runs in it. */
export interface Ground {
  data: SiteData
  port: Port
  world: SiteWorld
  /** The actor's class, whose module has yet to be imported. */
  load: (data: SiteData) => Promise<ActorClass<Protocol, unknown>>
  /** Ends the thread or process; the site is closed by then. */
  leave: () => void
}

/** A site of one actor: `crash` is for errors outside any handler. */
export interface RunningSite {
  site: Site
  crash: (end: End) => void
}

/** Starts the actor that a thread or process was made for, and ends it with the actor. */
export function runSite({ data, port, world, load, leave }: Ground): RunningSite {
  const site = new Site({
    id: data.site,
    world,
    firstChildId: data.firstChildId,
    parent: { site: data.parent, port },
    ...(data.abortWord === undefined ? {} : { abortWord: data.abortWord }),
  })
  const parent = site.link(data.parent)
  let left = false
  const end = (how: End): void => {
    if (left) return
    left = true
    site.close(endToRecord(how))
    leave()
  }
  const start = async (): Promise<void> => {
    try {
      const actor = await load(data)
      const table = aligned(data, tableOf(actor.protocol))
      const args = unpack(data.args, site.open)
      const child = site.nursery.makeRoot(data, table, { actor, args })
      // Soon, not now: first those that watch it are told.
      child.onGone(() => site.scheduler.soon(() => end(child.end as End)))
      await child.start((cause) => site.tellFailing(spawnFailed(data.path, cause)))
      parent.post({ t: 'started' })
    } catch (error) {
      const cause = toKaitianError(error, 'SPAWN_FAILED', `${data.path} did not start`)
      if (!left) parent.post({ t: 'started', error: cause.toRecord() })
      end({ reason: 'failed', error: cause })
    }
  }
  void start()
  return { site, crash: end }
}

/** The parent numbers the messages; schemas and what is really there are known here. */
function aligned(data: SiteData, own: MessageTable): MessageTable {
  const at = data.messages.map(([name, kind]) =>
    own.names.findIndex((known, index) => known === name && own.kinds[index] === kind),
  )
  return {
    // An empty name is no message's: it is refused as unknown.
    names: at.map((index) => own.names[index] ?? ''),
    kinds: data.messages.map(([, kind]) => kind),
    bare: at.map((index) => own.bare[index]),
    payloads: at.map((index) => own.payloads[index]),
    replies: at.map((index) => own.replies[index]),
  }
}

/** What a real thread or process does. */
export async function importActor(data: SiteData): Promise<ActorClass<Protocol, unknown>> {
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
