import { ask, protocol, type Context, type Handlers, type Ref } from '@kaitian/actors'
import type { ArchiveProtocol } from './archive.js'

export const WriterProtocol = protocol({ write: ask<{ line: string }>() })

/** Writes lines to an archive, each until it is taken. */
export class Writer implements Handlers<typeof WriterProtocol> {
  static readonly protocol = WriterProtocol
  readonly #archive: Ref<typeof ArchiveProtocol>

  constructor({ archive }: { archive: Ref<typeof ArchiveProtocol> }) {
    this.#archive = archive
  }

  async write({ line }: { line: string }, ctx: Context) {
    for (let waitMs = 100; ; waitMs *= 2) {
      try {
        return await this.#archive.ask.put({ line }, { timeoutMs: 1000 })
      } catch {
        await ctx.clock.sleep(waitMs, ctx.signal)
      }
    }
  }
}
