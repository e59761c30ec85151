import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { KaitianError } from '@kaitian/errors'
import { writeSafetensors } from '../checkpoint/safetensors.js'
import type { StepRecord } from './step-record.js'

/**
 * Writes a run record (docs/run-record.md): the journal line by line, sampled
 * steps in full. Lines go through a stream, so a step never waits for the
 * disk; a disk that fails fails the run at `close` or at the next line.
 */
export class Recorder {
  readonly #folder: string
  readonly #journal: WriteStream
  readonly #pending = new Set<Promise<unknown>>()
  #failure: Error | undefined

  private constructor(folder: string, journal: WriteStream) {
    this.#folder = folder
    this.#journal = journal
    journal.on('error', (error) => {
      this.#failure ??= error
    })
  }

  static async open(folder: string, run: object): Promise<Recorder> {
    try {
      await mkdir(folder, { recursive: true })
      await refuseOldRecord(folder)
      await writeFile(join(folder, 'run.json'), `${JSON.stringify(run, null, 2)}\n`)
      const journal = createWriteStream(join(folder, 'journal.jsonl'))
      await new Promise((resolve, reject) => journal.once('open', resolve).once('error', reject))
      return new Recorder(folder, journal)
    } catch (error) {
      throw writeFailed(folder, error)
    }
  }

  line(entry: { readonly type: string } & Record<string, unknown>): void {
    if (this.#failure !== undefined) throw writeFailed(this.#folder, this.#failure)
    this.#journal.write(`${JSON.stringify(entry)}\n`)
  }

  epoch(epoch: number, permutation: Uint32Array): void {
    const name = `epoch-${epoch}.u32`
    this.line({ type: 'epoch', epoch, permutation: name })
    this.#track(writeFile(join(this.#folder, name), permutation))
  }

  /** `step` must hold copies: the run goes on while the file is written. */
  step({ epoch, step, tensors, metadata }: StepRecord): void {
    const path = join(this.#folder, `step-${epoch}-${step}.safetensors`)
    this.#track(writeSafetensors(path, tensors, metadata))
  }

  async close(): Promise<void> {
    await Promise.all(this.#pending)
    if (this.#journal.closed) return
    this.#journal.end()
    await finished(this.#journal).catch((error: Error) => {
      this.#failure ??= error
    })
    if (this.#failure !== undefined) throw writeFailed(this.#folder, this.#failure)
  }

  #track(writing: Promise<unknown>): void {
    const done = writing
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => this.#pending.delete(done))
    this.#pending.add(done)
  }
}

/** Files of an earlier run would be taken for this one's. */
async function refuseOldRecord(folder: string): Promise<void> {
  if (!(await readdir(folder)).includes('run.json')) return
  throw new KaitianError(
    'BAD_CONFIG',
    `${folder} holds the record of another run; name a new folder, or remove that one.`,
    { fields: { folder } },
  )
}

function writeFailed(folder: string, cause: unknown): KaitianError {
  if (cause instanceof KaitianError) return cause
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new KaitianError(
    'FILE_WRITE_FAILED',
    `The run record in ${folder} could not be written (${detail}); check the folder's rights and the free space.`,
    { cause, fields: { folder } },
  )
}
