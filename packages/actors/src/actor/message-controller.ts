import { unavailable } from '../supervision/failure.js'
import { quietController, type Incarnation } from './incarnation.js'
import type { Origin } from './origin.js'

/** For `ctx.message.signal`: aborts when the asker gives up. Made only where a handler wants it. */
export function messageController(
  life: Incarnation,
  origin: Origin | undefined,
  path: string,
): AbortController {
  const controller = quietController()
  if (life.hasEnded) controller.abort(life.endedBecause)
  if (origin === undefined) return controller
  // A flow's producer may listen already.
  const others = origin.onCancel
  origin.onCancel = () => {
    others?.()
    controller.abort(unavailable(path, 'aborted'))
  }
  if (origin.cancelled) origin.onCancel()
  return controller
}
