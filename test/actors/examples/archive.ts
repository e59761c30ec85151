import { ask, protocol, type Handlers } from '@kaitian/actors'

export const ArchiveProtocol = protocol({
  put: ask<{ line: string }>(),
  lines: ask<void, string[]>(),
})

/** Keeps lines as long as its thread lives. */
export class Archive implements Handlers<typeof ArchiveProtocol> {
  static readonly protocol = ArchiveProtocol
  readonly #lines: string[] = []

  put({ line }: { line: string }) {
    this.#lines.push(line)
  }

  lines() {
    return this.#lines
  }
}
