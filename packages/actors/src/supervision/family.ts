import { KaitianError } from '@kaitian/errors'
import type { Group, GroupOptions, SpawnOptions, StopOptions } from '../api/context.js'
import type { Handle } from '../actor/handle.js'
import type { Blueprint } from '../actor/incarnation.js'
import type { Sighting } from '../site/sighting.js'
import type { Site } from '../site/site.js'
import { Child } from './child.js'
import { unavailable } from './failure.js'
import type { Guardian } from './guardian.js'
import type { Member } from './member.js'
import { checkGroup, checkSpawn } from './options.js'

/** group.ts, which itself has a family. */
export type MakeGroup = (
  site: Site,
  path: string,
  name: string,
  options: GroupOptions,
  onEscalation: (error: KaitianError) => void,
) => Group & Member

/** The children of one incarnation, of a group or of the system, in start order. */
export class Family {
  readonly #site: Site
  readonly #path: string
  readonly #guardian: Guardian | undefined
  readonly #members = new Map<string, Member>()
  #closed = false
  #unnamed = 0

  constructor(site: Site, path: string, guardian?: Guardian) {
    this.#site = site
    this.#path = path
    this.#guardian = guardian
  }

  async spawn(blueprint: Blueprint, options: SpawnOptions): Promise<Handle> {
    checkSpawn(this.#path, blueprint, options)
    const name = this.#nameFor(options.name, () => blueprint.actor.name)
    const path = `${this.#path}/${name}`
    const child = this.#site.nursery.makeChild(path, name, blueprint, options, this.#guardian)
    this.#add(child)
    const started = child.start()
    if (started !== undefined) await started
    return this.#site.handle(child.body.target)
  }

  supervise(
    options: GroupOptions,
    makeGroup: MakeGroup,
    onEscalation: (error: KaitianError) => void,
  ): Group {
    checkGroup(this.#path, options)
    const name = this.#nameFor(options.name, () => 'group')
    const path = `${this.#path}/${name}`
    const group = makeGroup(this.#site, path, name, options, (error) => {
      this.#site.emit('escalated', { path }, error)
      onEscalation(error)
    })
    this.#add(group)
    return group
  }

  /** No more are taken in. */
  close(): void {
    this.#closed = true
  }

  /** Those that are actors, in start order. */
  children(): Child[] {
    return [...this.#members.values()].filter((member) => member instanceof Child)
  }

  snapshot(): Promise<Sighting[]> {
    return Promise.all([...this.#members.values()].map((member) => member.snapshot()))
  }

  /** One after the other, the last started first. No more are taken in. */
  async stop(options?: StopOptions): Promise<void> {
    this.#closed = true
    for (const member of [...this.#members.values()].toReversed()) {
      const stopped = member.stop(options)
      if (stopped !== undefined) await stopped
    }
  }

  async kill(): Promise<void> {
    this.#closed = true
    // One level after the other, not one within the other: a deep tree would overflow the stack.
    await Promise.resolve()
    await Promise.all([...this.#members.values()].map((member) => member.kill()))
  }

  /** A member is gone. */
  left(member: Member): void {
    this.#members.delete(member.name)
  }

  #add(member: Member): void {
    member.home = this
    this.#members.set(member.name, member)
  }

  #nameFor(given: string | undefined, stem: () => string): string {
    if (this.#closed) throw unavailable(this.#path, 'stopped')
    const name = given ?? `${stem()}-${++this.#unnamed}`
    if (this.#members.has(name)) {
      throw new KaitianError(
        'BAD_ARGUMENT',
        `${this.#path} has a child called "${name}" already; choose another name`,
        { fields: { path: this.#path, name } },
      )
    }
    return name
  }
}
