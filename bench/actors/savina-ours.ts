import {
  createSystem,
  protocol,
  tell,
  type Context,
  type Handlers,
  type Ref,
} from '@kaitian/actors'
import type { Entrant } from './contest.js'
import { Countdown } from './message.js'
import { timed } from './timed.js'

const PingProtocol = protocol({ serve: tell<{ pings: number }>(), pong: tell() })
const PongProtocol = protocol({ ping: tell<{ from: Ref<typeof PingProtocol> }>() })

class Pong implements Handlers<typeof PongProtocol> {
  static readonly protocol = PongProtocol

  ping({ from }: { from: Ref<typeof PingProtocol> }): void {
    from.tell.pong()
  }
}

class Ping implements Handlers<typeof PingProtocol> {
  static readonly protocol = PingProtocol
  readonly #to: Ref<typeof PongProtocol>
  readonly #countdown: Countdown
  #left = 0

  constructor({ to, countdown }: { to: Ref<typeof PongProtocol>; countdown: Countdown }) {
    this.#to = to
    this.#countdown = countdown
  }

  serve({ pings }: { pings: number }, ctx: Context<typeof PingProtocol>): void {
    this.#left = pings
    this.#to.tell.ping({ from: ctx.self })
  }

  pong(_: void, ctx: Context<typeof PingProtocol>): void {
    this.#left--
    if (this.#left === 0) this.#countdown.handled()
    else this.#to.tell.ping({ from: ctx.self })
  }
}

export async function pingPong(pings: number): Promise<Entrant> {
  const system = createSystem()
  const countdown = new Countdown()
  const to = await system.spawn(Pong, undefined)
  const ping = await system.spawn(Ping, { to, countdown })
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += 2 * pings) {
        const done = countdown.expect(1)
        ping.tell.serve({ pings })
        await done
      }
    },
    close: () => system.dispose(),
    step: 2 * pings,
  })
}

const MemberProtocol = protocol({ join: tell<{ next: RingRef }>(), hop: tell<{ left: number }>() })
interface RingRef {
  readonly tell: { hop(message: { left: number }): unknown }
}

class Member implements Handlers<typeof MemberProtocol> {
  static readonly protocol = MemberProtocol
  readonly #countdown: Countdown
  #next: RingRef | undefined

  constructor(countdown: Countdown) {
    this.#countdown = countdown
  }

  join({ next }: { next: RingRef }): void {
    this.#next = next
  }

  hop({ left }: { left: number }): void {
    if (left === 0) this.#countdown.handled()
    else this.#next?.tell.hop({ left: left - 1 })
  }
}

export async function threadRing(size: number, hops: number): Promise<Entrant> {
  const system = createSystem()
  const countdown = new Countdown()
  const members: Ref<typeof MemberProtocol>[] = []
  for (let i = 0; i < size; i++) members.push(await system.spawn(Member, countdown))
  members.forEach((member, i) => member.tell.join({ next: members[(i + 1) % size] }))
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += hops) {
        const done = countdown.expect(1)
        members[0].tell.hop({ left: hops })
        await done
      }
    },
    close: () => system.dispose(),
    step: hops,
  })
}

const WorkerProtocol = protocol({ work: tell() })

class Worker implements Handlers<typeof WorkerProtocol> {
  static readonly protocol = WorkerProtocol
  readonly #countdown: Countdown

  constructor(countdown: Countdown) {
    this.#countdown = countdown
  }

  work(): void {
    this.#countdown.handled()
  }
}

export async function forkJoin(workers: number, messagesEach: number): Promise<Entrant> {
  const system = createSystem()
  const countdown = new Countdown()
  const refs: Ref<typeof WorkerProtocol>[] = []
  for (let i = 0; i < workers; i++) refs.push(await system.spawn(Worker, countdown))
  const step = workers * messagesEach
  return timed({
    async run(messages) {
      for (let sent = 0; sent < messages; sent += step) {
        const done = countdown.expect(step)
        for (let n = 0; n < messagesEach; n++) for (const ref of refs) ref.tell.work()
        await done
      }
    },
    close: () => system.dispose(),
    step,
  })
}
