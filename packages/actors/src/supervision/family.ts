import { KaitianError } from '@kaitian/errors'
import type { Child } from './child.js'
import type { SpawnOptions } from '../api/context.js'
import { unavailable } from './failure.js'
import type { Handle } from '../actor/handle.js'
import type { Blueprint } from '../actor/incarnation.js'
import type { Site } from '../site/site.js'

/** The children of one incarnation, or of the system, in start order. */
export class Family {
  readonly #site: Site
  readonly #path: string
  readonly #children = new Map<string, Child>()
  #closed = false
  #unnamed = 0

  constructor(site: Site, path: string) {
    this.#site = site
    this.#path = path
  }

  async spawn(blueprint: Blueprint, options: SpawnOptions): Promise<Handle> {
    if (this.#closed) throw unavailable(this.#path, 'stopped')
    const name = this.#nameFor(blueprint, options)
    const child = this.#site.nursery.makeChild(`${this.#path}/${name}`, blueprint, options)
    this.#children.set(name, child)
    void child.gone.then(() => this.#children.delete(name))
    await child.start()
    return this.#site.handle(child.body.target)
  }

  /** One after the other, the last started first. No more are taken in. */
  async stop(): Promise<void> {
    this.#closed = true
    for (const child of [...this.#children.values()].toReversed()) await child.stop()
  }

  async kill(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#children.values()].map((child) => child.kill()))
  }

  #nameFor(blueprint: Blueprint, options: SpawnOptions): string {
    const name = options.name ?? `${blueprint.actor.name}-${++this.#unnamed}`
    const fields = { path: this.#path, name }
    if (name === '' || name.includes('/')) {
      throw new KaitianError('BAD_ARGUMENT', `An actor's name is a word without "/": "${name}"`, {
        fields,
      })
    }
    if (this.#children.has(name)) {
      throw new KaitianError(
        'BAD_ARGUMENT',
        `${this.#path} has a child called "${name}" already; choose another name`,
        { fields },
      )
    }
    return name
  }
}
