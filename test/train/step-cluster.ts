import type { Random } from '@kaitian/actors'
import {
  coordinate,
  idle,
  type CoordinatorEvent,
  type CoordinatorState,
  type Effect,
} from '@kaitian/train/step'
import { commitRange, emptyLedger, nextRange, type Dealing, type Ledger } from '@kaitian/train/step'
import { follow, outside, type MemberEvent, type MemberState } from '@kaitian/train/step'
import type { AttemptId, Plan } from '@kaitian/train/step'

/** A simulated device: the production member machine, and the steps it has flipped to. */
interface SimDevice {
  readonly name: string
  state: MemberState
  alive: boolean
  readonly flips: string[]
}

/**
 * The production step protocol in a simulated cluster: messages between the
 * coordinator and the members wait in FIFO lanes, a seeded source picks which
 * lane moves next and when a device dies. Nothing else is real.
 */
export class SimCluster {
  readonly devices: Map<string, SimDevice>
  readonly commits: string[] = []
  readonly trace: string[] = []
  ended: Extract<Effect, { kind: 'end' }> | undefined
  readonly #random: Random
  readonly #dealing: Dealing
  readonly #steps: number
  readonly #lanes = new Map<string, (() => void)[]>()
  #state: CoordinatorState = idle
  #ledger: Ledger = emptyLedger
  #now = 0
  #members: readonly string[] = []
  /** Devices whose part of the attempt under way is in. */
  #computed = new Set<string>()
  readonly #plans = new Map<string, Plan>()

  constructor(random: Random, devices: number, dealing: Dealing, steps: number) {
    this.#random = random
    this.#dealing = dealing
    this.#steps = steps
    const names = Array.from({ length: devices }, (_, index) => `sim:${index}`)
    this.devices = new Map(
      names.map((name) => [name, { name, state: outside, alive: true, flips: [] }]),
    )
  }

  run(kills: number): void {
    this.#event({ kind: 'start', members: [...this.devices.keys()] })
    this.#event({ kind: 'request' })
    let left = kills
    for (let turns = 0; turns < 20_000 && this.ended === undefined; turns++) {
      this.#now++
      if (left > 0 && this.#random.next() < 0.01) {
        left--
        this.#kill()
      }
      if (!this.#moveOne()) return
    }
  }

  get alive(): SimDevice[] {
    return [...this.devices.values()].filter(({ alive }) => alive)
  }

  /** True when no message is under way. */
  #moveOne(): boolean {
    const lanes = [...this.#lanes.values()].filter((lane) => lane.length > 0)
    if (lanes.length === 0) return false
    lanes[this.#random.integer(lanes.length)].shift()!()
    return true
  }

  #send(lane: string, deliver: () => void): void {
    const queue = this.#lanes.get(lane) ?? []
    queue.push(deliver)
    this.#lanes.set(lane, queue)
  }

  #kill(): void {
    const { alive } = this
    if (alive.length < 2) return
    const device = alive[this.#random.integer(alive.length)]
    device.alive = false
    this.trace.push(`kill ${device.name} while ${device.state.phase}`)
    const cause = `${device.name} was killed`
    this.#toCoordinator(device.name, { kind: 'down', device: device.name, cause })
  }

  #toCoordinator(from: string, event: CoordinatorEvent): void {
    this.#send(`${from}→coordinator`, () => this.#event(event))
  }

  #toMember(name: string, event: MemberEvent, from = 'coordinator'): void {
    this.#send(`${from}→${name}`, () => this.#member(this.devices.get(name)!, event))
  }

  #event(event: CoordinatorEvent): void {
    if (this.ended !== undefined) return
    const { state, effects } = coordinate(this.#state, event, this.#now)
    this.#state = state
    this.trace.push(`${event.kind} → ${effects.map(({ kind }) => kind).join(', ')}`)
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'form') this.#form(effect.generation, effect.members)
    else if (effect.kind === 'plan') this.#plan(effect.generation, effect.ordinal)
    else if (effect.kind === 'dispatch') this.#dispatch(effect.plan)
    else if (effect.kind === 'commit') this.#commit(effect.plan)
    else if (effect.kind === 'end') this.ended = effect
    else if (effect.kind === 'evict') {
      for (const name of effect.devices) this.devices.get(name)!.alive = false
    }
  }

  /** Join and enter, as the crew asks them: a dead member fails the generation. */
  #form(generation: number, members: readonly string[]): void {
    this.#members = members
    const dead = members.filter((name) => !this.devices.get(name)!.alive)
    if (dead.length > 0) {
      const cause = `${dead.join(', ')} did not join`
      this.#toCoordinator('crew', { kind: 'failed', generation, cause, suspects: dead })
      return
    }
    let waiting = members.length
    for (const name of members) {
      this.#toMember(name, { kind: 'leave' })
      this.#toMember(name, { kind: 'enter', generation })
      this.#send(`coordinator→${name}`, () => {
        waiting--
        if (waiting === 0) this.#toCoordinator('crew', { kind: 'formed', generation })
      })
    }
  }

  #plan(generation: number, ordinal: number): void {
    const range = nextRange(this.#dealing, this.#ledger)
    const members = this.#members
    const shares = members.map((name, rank) => {
      const first = Math.floor((rank * range.shardCount) / members.length)
      const end = Math.floor(((rank + 1) * range.shardCount) / members.length)
      const samples = Math.min(range.size, end * this.#dealing.shard) - first * this.#dealing.shard
      const quota = Math.max(0, samples)
      return [name, { quota, first: range.firstShard + first, count: end - first }] as const
    })
    const plan: Plan = {
      generation,
      ordinal,
      ...range,
      shares: Object.fromEntries(shares),
      learningRate: 0.1,
      reason: 'even split',
      moved: false,
    }
    this.#toCoordinator('planner', { kind: 'planned', plan, deadlineMs: 1_000_000 })
  }

  #dispatch(plan: Plan): void {
    this.#computed = new Set()
    this.#plans.set(nameOf(plan), plan)
    for (const name of this.#members) this.#toMember(name, { kind: 'begin', attempt: plan })
  }

  #commit(plan: Plan): void {
    this.commits.push(`${plan.epoch}/${plan.step}`)
    this.#ledger = commitRange(this.#dealing, this.#ledger, plan)
    for (const name of this.#members) this.#toMember(name, { kind: 'commit', attempt: plan })
    this.#event({ kind: this.commits.length === this.#steps ? 'stop' : 'request' })
  }

  #member(device: SimDevice, event: MemberEvent): void {
    if (!device.alive) return
    const { state, action } = follow(device.state, event)
    device.state = state
    if (!('attempt' in event)) return
    const plan = this.#plans.get(nameOf(event.attempt))!
    if (action.kind === 'compute') {
      this.#send(`${device.name} computes`, () => this.#finish(device, plan))
    } else if (action.kind === 'update') this.#vote(device, plan)
    else if (action.kind === 'flip') device.flips.push(`${plan.epoch}/${plan.step}`)
  }

  /** The collective completes once every member's part is in, whoever has died since. */
  #finish(device: SimDevice, plan: Plan): void {
    if (!device.alive) return
    this.#member(device, { kind: 'computed', attempt: plan })
    if (device.state.phase !== 'reducing') return
    const names = Object.keys(plan.shares)
    this.#computed.add(`${plan.generation}:${plan.ordinal}:${device.name}`)
    const whole = names.every((name) =>
      this.#computed.has(`${plan.generation}:${plan.ordinal}:${name}`),
    )
    if (!whole) return
    for (const name of names) this.#toMember(name, { kind: 'reduced', attempt: plan }, 'leader')
  }

  #vote(device: SimDevice, plan: Plan): void {
    const { first, count, quota } = plan.shares[device.name]
    this.#toCoordinator(device.name, {
      kind: 'vote',
      vote: {
        generation: plan.generation,
        epoch: plan.epoch,
        step: plan.step,
        ordinal: plan.ordinal,
        device: device.name,
        shards: Array.from({ length: count }, (_, index) => first + index),
        count: quota,
        idSum: 0,
        reducedCount: plan.size,
        digest: [...device.flips, `${plan.epoch}/${plan.step}`].join(' '),
        lossSums: [0],
        correct: 0,
        finite: true,
        computeMs: 1,
        ownComputeMs: 1,
        reduceMs: 1,
        updateMs: 1,
      },
    })
  }
}

function nameOf({ generation, ordinal }: AttemptId): string {
  return `${generation}:${ordinal}`
}
