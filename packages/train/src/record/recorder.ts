import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { writeSafetensors } from '../checkpoint/safetensors.js'
import { writeFailed } from '../files/failure.js'
import { checkRecordFolder } from '../files/place.js'
import { writeWhole } from '../files/write-whole.js'
import type { StepRecord } from './step-record.js'

/**
 * Writes a run record (docs/run-record.md): the journal line by line, every other file whole or
 * not at all. Lines go through a stream, so a step never waits for the disk; a disk that fails
 * fails the run at the next line or at `close`.
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
      this.#failure ??= writeFailed(journal.path.toString(), error)
    })
  }

  /** @throws FILE_WRITE_FAILED; BAD_CONFIG where the folder holds another record */
  static async open(folder: string, run: object): Promise<Recorder> {
    checkRecordFolder(folder)
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw writeFailed(folder, error)
    })
    const journal = await openJournal(join(folder, 'journal.jsonl'))
    try {
      await writeWhole(join(folder, 'run.json'), `${JSON.stringify(run, null, 2)}\n`)
    } catch (error) {
      // An empty record would keep the next run from this folder.
      journal.destroy()
      await rm(journal.path, { force: true }).catch(() => {})
      throw error
    }
    return new Recorder(folder, journal)
  }

  line(entry: { readonly type: string } & Record<string, unknown>): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#journal.write(`${JSON.stringify(entry)}\n`)
  }

  epoch(epoch: number, permutation: Uint32Array): void {
    const name = `epoch-${epoch}.u32`
    this.line({ type: 'epoch', epoch, permutation: name })
    const { buffer, byteOffset, byteLength } = permutation
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    this.#track(writeWhole(join(this.#folder, name), bytes))
  }

  labels(labels: Uint8Array): void {
    this.#track(writeWhole(join(this.#folder, 'labels.u8'), labels))
  }

  /** `step` must hold copies: the run goes on while the file is written. */
  step({ epoch, step, tensors, metadata }: StepRecord): void {
    const path = join(this.#folder, `step-${epoch}-${step}.safetensors`)
    this.#track(writeSafetensors(path, tensors, metadata))
  }

  /** @throws FILE_WRITE_FAILED when anything of the record could not be written */
  async close(): Promise<void> {
    await Promise.all(this.#pending)
    if (!this.#journal.closed) {
      this.#journal.end()
      await finished(this.#journal).catch(() => {})
    }
    if (this.#failure !== undefined) throw this.#failure
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

/** Flushed to the disk when it is closed; never written over what is there. */
async function openJournal(path: string): Promise<WriteStream> {
  const journal = createWriteStream(path, { flags: 'wx', flush: true })
  await new Promise((resolve, reject) => {
    journal.once('open', resolve).once('error', (error) => reject(writeFailed(path, error)))
  })
  return journal
}
