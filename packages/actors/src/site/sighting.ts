import type { ActorSnapshot } from '../api/snapshot.js'

/** An ask that waits for an answer, and the actor that made it, as far as known. */
export interface OpenAsk {
  from: string | undefined
  to: string
  message: string
}

/** A snapshot on its way to the system: asks are with the asked, and not yet with the askers. */
export interface Sighting extends ActorSnapshot {
  /** In this actor's mailbox or hand. */
  waiting?: OpenAsk[]
  /** Of its whole site, to actors elsewhere. */
  asksElsewhere?: OpenAsk[]
  children: Sighting[]
}

/** Moves each ask to the actor that waits for it, where that is known. */
export function resolveAsks(root: Sighting): ActorSnapshot {
  const asks = new Map<string, { to: string; message: string }[]>()
  const gather = ({ waiting = [], asksElsewhere = [], children }: Sighting): void => {
    for (const { from, to, message } of [...waiting, ...asksElsewhere]) {
      if (from === undefined) continue
      const known = asks.get(from)
      if (known === undefined) asks.set(from, [{ to, message }])
      else known.push({ to, message })
    }
    children.forEach(gather)
  }
  const place = (sighting: Sighting): ActorSnapshot => {
    const { waiting: _waiting, asksElsewhere: _asksElsewhere, children, ...snapshot } = sighting
    const own = asks.get(snapshot.path)
    return {
      ...snapshot,
      ...(own === undefined ? {} : { asks: own }),
      children: children.map(place),
    }
  }
  gather(root)
  return place(root)
}
