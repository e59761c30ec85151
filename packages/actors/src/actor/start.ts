import { untilEnd } from '../until-end.js'
import { ActorContext } from './actor-context.js'
import type { Cell } from './cell.js'
import type { Blueprint, Incarnation } from './incarnation.js'

/** Of starts that spawn, on one stack: a deep tree would overflow it. */
const mostNested = 32

const resolved = Promise.resolve()

/**
 * Constructs the actor and runs its `start`, where too many starts are nested on a stack of its own.
 * No promise when it has started; one resolves also when the life has ended meanwhile.
 */
export function startLife(
  cell: Cell,
  life: Incarnation,
  blueprint: Blueprint,
): void | Promise<void> {
  const isNested = cell.site.starting >= mostNested
  const begun = isNested ? startLater(cell, life, blueprint) : startNow(cell, life, blueprint)
  if (begun === undefined) return undefined
  // A `start` that hangs must not hold up who waits for a kill.
  return untilEnd(begun, (ended) => life.atEnd(ended))
}

function startNow(cell: Cell, life: Incarnation, blueprint: Blueprint): void | Promise<void> {
  const { site } = cell
  site.starting++
  try {
    return cell.act(() => life.start(blueprint, new ActorContext(cell, life)))
  } finally {
    site.starting--
  }
}

async function startLater(cell: Cell, life: Incarnation, blueprint: Blueprint): Promise<void> {
  await resolved
  if (cell.life === life) await startNow(cell, life, blueprint)
}
