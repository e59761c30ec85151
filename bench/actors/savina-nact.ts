import nact from 'nact'
import type { Entrant } from './contest.js'
import { Countdown } from './message.js'
import type { NactRef } from './nact-ref.js'
import { timed } from './timed.js'

type PingMessage = { type: 'start'; pings: number } | { type: 'pong' }
interface PongMessage {
  readonly type: 'ping'
  readonly from: NactRef
}

export function pingPong(pings: number): Entrant {
  const system = nact.start()
  const countdown = new Countdown()
  const pong = nact.spawnStateless(system, ({ from }: PongMessage) =>
    nact.dispatch(from, { type: 'pong' }),
  )
  const play = (left: number, message: PingMessage, ctx: { self: NactRef }): number => {
    const now = message.type === 'start' ? message.pings : left - 1
    if (now === 0) countdown.handled()
    else nact.dispatch(pong, { type: 'ping', from: ctx.self })
    return now
  }
  const ping = nact.spawn(system, play, 'ping', { initialState: 0 })
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += 2 * pings) {
        const done = countdown.expect(1)
        nact.dispatch(ping, { type: 'start', pings })
        await done
      }
    },
    close: async () => nact.stop(system),
    step: 2 * pings,
  })
}

type MemberMessage = { type: 'join'; next: NactRef } | { type: 'hop'; left: number }

export function threadRing(size: number, hops: number): Entrant {
  const system = nact.start()
  const countdown = new Countdown()
  const play = (next: NactRef, message: MemberMessage): NactRef => {
    if (message.type === 'join') return message.next
    const { left } = message
    if (left === 0) countdown.handled()
    else nact.dispatch(next, { type: 'hop', left: left - 1 })
    return next
  }
  const members = Array.from({ length: size }, (_, i) => nact.spawn(system, play, `member-${i}`))
  members.forEach((member, i) =>
    nact.dispatch(member, { type: 'join', next: members[(i + 1) % size] }),
  )
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += hops) {
        const done = countdown.expect(1)
        nact.dispatch(members[0], { type: 'hop', left: hops })
        await done
      }
    },
    close: async () => nact.stop(system),
    step: hops,
  })
}

export function forkJoin(workers: number, messagesEach: number): Entrant {
  const system = nact.start()
  const countdown = new Countdown()
  const work = (): void => countdown.handled()
  const refs = Array.from({ length: workers }, (_, i) =>
    nact.spawnStateless(system, work, `worker-${i}`),
  )
  const step = workers * messagesEach
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += step) {
        const done = countdown.expect(step)
        for (let n = 0; n < messagesEach; n++) {
          for (const ref of refs) nact.dispatch(ref, { type: 'work' })
        }
        await done
      }
    },
    close: async () => nact.stop(system),
    step,
  })
}
