import type { Group } from '@kaitian/actors'
import type { TestSystem } from '@kaitian/actors/testing'
import { KaitianError } from '@kaitian/errors'
import { mostKnown, optionsOf, spawnRefusals } from './deeds.js'
import { Player } from './player.js'
import type { PlayerRef } from './protocol.js'
import type { Act, Aftermath, Step } from './script.js'
import { Sender } from './sender.js'
import { checkBounds } from './verdict.js'
import { Witness } from './witness.js'

/** Where a script is played: what the test itself does, and knows. */
export class Stage {
  readonly system: TestSystem
  readonly witness: Witness
  /** Refs, by the numbers of the script; those that were spawned. */
  readonly refs = new Map<number, PlayerRef>()
  readonly #groups = new Map<number, Group>()
  readonly #sender: Sender
  /** Faults that last until they are taken back. */
  readonly #lasting: (() => void)[] = []
  /** Watches that must call back when all is over. */
  readonly waiting = new Set<string>()

  constructor(system: TestSystem) {
    this.system = system
    this.witness = new Witness(system)
    this.#sender = new Sender(this.witness, 'the test', undefined, (number) =>
      this.refs.get(number),
    )
  }

  /** Plays one step; it goes on when all is quiet. */
  async play(step: Exclude<Step, { do: 'dispose' }>): Promise<void> {
    switch (step.do) {
      case 'advance':
        return this.system.advance(step.ms)
      case 'look':
        return checkBounds(this.witness, this.system)
      case 'spawn':
        return this.#spawn(step)
      case 'supervise':
        return this.#supervise(step)
      case 'stopGroup': {
        const group = this.#groups.get(step.group)
        if (group !== undefined) void this.witness.expect(`stop of ${group.path}`, group.stop())
        return
      }
      case 'fault':
        return this.#fault(step)
      default:
        return this.act(step)
    }
  }

  /** Takes back what lasts, so that the actors can come to rest. */
  relent(): void {
    for (const end of this.#lasting.splice(0)) end()
  }

  act(step: Act): void {
    switch (step.do) {
      case 'tell':
        return this.#sender.tell(step)
      case 'ask':
        return void this.#sender.ask(step, (ref) => this.#follow(step.after, ref))
      case 'consume':
        return void this.#sender.consume(step)
      case 'room':
        return void this.#sender.room(step)
    }
    const ref = this.refs.get(step.to)
    if (ref === undefined) return
    if (step.do === 'watch') return this.#watch(ref, step)
    const over =
      step.do === 'kill'
        ? this.system.kill(ref, { restart: step.restart })
        : this.system.stop(ref, {
            drain: step.drain,
            ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
          })
    void this.witness.expect(`${step.do} of ${ref.path}`, over)
  }

  #follow(after: Aftermath | undefined, ref: PlayerRef): void {
    if (after === undefined) return
    const { system } = this
    const over =
      after === 'stop' ? system.stop(ref) : system.kill(ref, { restart: after === 'restart' })
    void this.witness.expect(`${after} of ${ref.path}`, over)
  }

  #watch(ref: PlayerRef, { unwatchMs }: Act & { do: 'watch' }): void {
    const what = `watch ${this.waiting.size} of ${ref.path}`
    let calls = 0
    this.waiting.add(what)
    let cancel = (): void => undefined
    const unwatch = this.system.watch(ref, (down) => {
      if (++calls > 1) this.witness.violate('A3', `the test heard twice of ${ref.path}`)
      if (down.ref !== ref) this.witness.violate('A3', 'the test heard of another one')
      this.waiting.delete(what)
      cancel()
    })
    if (unwatchMs === undefined) return
    cancel = this.system.clock.after(unwatchMs, () => {
      unwatch()
      this.waiting.delete(what)
    })
  }

  async #spawn(step: Step & { do: 'spawn' }): Promise<void> {
    const { slot, under, group, child } = step
    const { witness } = this
    if (under !== undefined) {
      const errand = { refs: [], deeds: [{ do: 'spawn' as const, child }] }
      const ask = { do: 'ask' as const, to: under, errand, limits: {}, wait: false }
      const asked = this.#sender.ask(ask)
      void asked.then((answer) => answer?.refs.forEach((ref) => this.#add(slot, ref as PlayerRef)))
      return
    }
    const where = group === undefined ? this.system : this.#groups.get(group)
    if (where === undefined) return
    const path = `${'path' in where ? where.path : where.name}/${child.name}`
    witness.mail.declare(path, child.mailbox?.overflow)
    const refs = [...this.refs.values()].slice(0, mostKnown)
    const args = { run: witness.run, path, child, refs }
    const started = where.spawn(Player, args, optionsOf(child))
    const what = `the spawn of ${path}`
    void witness.expect(what, started).then(
      (ref) => this.#add(slot, ref),
      (error: unknown) => witness.checkCode(what, error, spawnRefusals),
    )
  }

  #add(slot: number, ref: PlayerRef): void {
    this.refs.set(slot, ref)
  }

  #supervise({ group, strategy, restart }: Step & { do: 'supervise' }): void {
    const name = `group-${group}`
    this.#groups.set(group, this.system.supervise({ name, strategy, restart }))
  }

  #fault({ to, fault, amount }: Step & { do: 'fault' }): void {
    const ref = this.refs.get(to)
    if (ref === undefined) return
    const { faults } = this.system
    this.witness.faults.add(fault)
    try {
      switch (fault) {
        case 'crash':
          return faults.crash(ref)
        case 'exit':
          return faults.exit(ref, 1 + amount)
        case 'hang':
          return faults.hang(ref)
        case 'dropNext':
          return faults.dropNext(ref, 1 + (amount % 3))
        case 'stall':
          this.#lasting.push(faults.stall(ref, ...(amount % 2 === 0 ? [] : [amount])))
          return
        case 'delay':
          this.#lasting.push(faults.delay(ref, amount))
      }
    } catch (error) {
      // Inline, or not there just now.
      if (!(error instanceof KaitianError) || error.code !== 'BAD_ARGUMENT') throw error
    }
  }
}
