import type { ActorSnapshot, ActorState } from '../api/snapshot.js'
import type { OpenAsk, Sighting } from '../site/sighting.js'
import type { Cell } from './cell.js'
import { FlowConsumer } from './flow-consumer.js'
import { PendingAsk } from './pending-ask.js'

/** What a snapshot shows of an actor of this thread. */
export async function sightingOf(cell: Cell): Promise<Partial<Sighting>> {
  const { life, mailbox, capacity } = cell
  const inHand = inHandOf(cell)
  return {
    state: stateOf(cell, inHand !== undefined),
    ...(life === undefined ? {} : { incarnation: life.number }),
    mailbox: {
      depth: mailbox.size,
      capacity,
      stashed: cell.inHand.stashed,
      deferred: cell.inHand.deferred,
    },
    ...(inHand === undefined ? {} : { inHand }),
    waiting: openAsks(cell),
    children: (await life?.snapshot()) ?? [],
  }
}

function stateOf(cell: Cell, hasInHand: boolean): ActorState {
  if (cell.end !== undefined) return 'gone'
  if (cell.life === undefined) return 'restarting'
  if (cell.refusing !== undefined) return 'stopping'
  if (cell.busy) return hasInHand ? 'busy' : 'starting'
  return cell.mailbox.size > 0 ? 'ready' : 'idle'
}

function inHandOf({ inHand, busy, mailbox, table, site }: Cell): ActorSnapshot['inHand'] {
  if (!inHand.held || !busy) return undefined
  const { index } = mailbox
  const forMs = site.clock.now() - inHand.since
  return { message: table.names[index], kind: table.kinds[index], forMs }
}

/** The asks that wait here for an answer; of tells nobody waits for one. */
function openAsks({ inHand }: Cell): OpenAsk[] {
  return inHand
    .origins()
    .flatMap((origin) =>
      origin instanceof PendingAsk || origin instanceof FlowConsumer
        ? [{ from: origin.from, to: origin.to, message: origin.message }]
        : [],
    )
}
