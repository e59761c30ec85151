import { Turns } from '../actor/turns.js'
import type { Clock } from '../clock.js'
import type { Random } from '../random.js'
import type { SiteWorld } from '../site/site.js'
import type { SiteId } from '../site/wire.js'
import type { Hall } from '../transport/hall.js'
import { Process } from './process.js'
import { processSwitchboard } from './process-switchboard.js'
import { Thread } from './thread.js'

/** What a site of real threads and processes lives on. */
export function realWorld(site: SiteId, hall: Hall, clock: Clock, random: Random): SiteWorld {
  return {
    clock,
    random,
    scheduler: new Turns(),
    switchboard: processSwitchboard(hall, site),
    launch: (on, data) => ('thread' in on ? new Thread(data, hall) : new Process(data, hall)),
  }
}
