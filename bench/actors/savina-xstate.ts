/**
 * Callback actors are xstate's way to send while an event is handled. An event to an idle actor is
 * handled before `send` returns, so a ring is a nest of calls, as deep as it has members.
 */
import { createActor, fromCallback, type CallbackActorRef } from 'xstate'
import type { Entrant } from './contest.js'
import { Countdown } from './message.js'
import { timed } from './timed.js'

type PingEvent = { type: 'start'; pings: number } | { type: 'pong' }
interface PongEvent {
  readonly type: 'ping'
  readonly from: CallbackActorRef<PingEvent>
}

export function pingPong(pings: number): Entrant {
  const countdown = new Countdown()
  const pong = createActor(
    fromCallback<PongEvent>(({ receive }) => receive(({ from }) => from.send({ type: 'pong' }))),
  ).start()
  const ping = createActor(
    fromCallback<PingEvent>(({ receive, self }) => {
      let left = 0
      receive((event) => {
        left = event.type === 'start' ? event.pings : left - 1
        if (left === 0) countdown.handled()
        else pong.send({ type: 'ping', from: self })
      })
    }),
  ).start()
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += 2 * pings) {
        const done = countdown.expect(1)
        ping.send({ type: 'start', pings })
        await done
      }
    },
    close: async () => stopAll([ping, pong]),
    step: 2 * pings,
  })
}

interface HopEvent {
  readonly type: 'hop'
  readonly left: number
}
type MemberEvent = HopEvent | { type: 'join'; next: { send(event: HopEvent): void } }

export function threadRing(size: number, hops: number): Entrant {
  const countdown = new Countdown()
  const member = fromCallback<MemberEvent>(({ receive }) => {
    let next: { send(event: HopEvent): void } | undefined
    receive((event) => {
      if (event.type === 'join') next = event.next
      else if (event.left === 0) countdown.handled()
      else next?.send({ type: 'hop', left: event.left - 1 })
    })
  })
  const members = Array.from({ length: size }, () => createActor(member).start())
  members.forEach((each, i) => each.send({ type: 'join', next: members[(i + 1) % size] }))
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += hops) {
        const done = countdown.expect(1)
        members[0].send({ type: 'hop', left: hops })
        await done
      }
    },
    close: async () => stopAll(members),
    step: hops,
  })
}

export function forkJoin(workers: number, messagesEach: number): Entrant {
  const countdown = new Countdown()
  const worker = fromCallback<{ type: 'work' }>(({ receive }) => receive(() => countdown.handled()))
  const actors = Array.from({ length: workers }, () => createActor(worker).start())
  const step = workers * messagesEach
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += step) {
        const done = countdown.expect(step)
        for (let n = 0; n < messagesEach; n++)
          for (const actor of actors) actor.send({ type: 'work' })
        await done
      }
    },
    close: async () => stopAll(actors),
    step,
  })
}

function stopAll(actors: readonly { stop(): unknown }[]): void {
  for (const actor of actors) actor.stop()
}
