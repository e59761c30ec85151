import { isMainThread, MessageChannel, type MessagePort } from 'node:worker_threads'
import { systemClock } from '../clock.js'
import { processOf, type SiteId } from '../site/wire.js'
import { SocketExchange } from '../transport/exchange.js'
import type { Hall } from '../transport/hall.js'
import { messagePort } from '../transport/message-port.js'
import type { Switchboard } from '../transport/switchboard.js'

/** Message ports within a process, Unix sockets between processes. */
export function processSwitchboard(hall: Hall, site: SiteId): Switchboard {
  const exchange = new SocketExchange({
    openDoor: (admit) => hall.open(site, admit),
    after: (ms, fn) => systemClock.after(ms, fn),
  })
  const leaveHall = isMainThread ? hall.attend(site) : () => hall.clear(site)
  return {
    near: (a, b) => processOf(a) === processOf(b),
    pair: () => {
      const { port1, port2 } = new MessageChannel()
      return [port1, port2]
    },
    toPort: (end) => messagePort(end as MessagePort),
    discard: (end) => (end as MessagePort).close(),
    listen: async () => {
      const ticket = await exchange.listen()
      const { key } = ticket
      return { ticket, port: exchange.accept(key), cancel: () => exchange.revoke(key) }
    },
    dial: (ticket) => exchange.dial(ticket),
    close: () => {
      exchange.close()
      leaveHall()
    },
  }
}
