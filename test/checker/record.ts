import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { RecordError } from './failure.js'
import { parseJournal, type Entry } from './journal.js'
import { parseRun, type Run } from './run.js'

/** The folder, read, apart from the sampled steps, which are large and read one at a time. */
export interface RunRecord {
  readonly folder: string
  readonly run: Run
  readonly journal: readonly Entry[]
  readonly permutations: ReadonlyMap<number, Uint32Array>
  /** Class of each sample, by its id. */
  readonly labels: Uint8Array
  readonly sampled: readonly SampledFile[]
}

export interface SampledFile {
  readonly file: string
  readonly epoch: number
  readonly step: number
}

/** @throws RecordError when a file is missing or cannot be understood. */
export async function readRecord(folder: string): Promise<RunRecord> {
  const run = parseRun(parseJson(await readText(folder, 'run.json')))
  const journal = parseJournal(await readText(folder, 'journal.jsonl'))
  const permutations = new Map<number, Uint32Array>()
  for (const entry of journal) {
    if (entry.type !== 'epoch' || permutations.has(entry.epoch)) continue
    const bytes = await readBytes(folder, entry.permutation)
    if (bytes.length % 4 !== 0) {
      throw new RecordError(
        `${entry.permutation}: ${bytes.length} bytes are no whole number of ids`,
      )
    }
    permutations.set(entry.epoch, new Uint32Array(bytes.slice().buffer))
  }
  const labels = await readBytes(folder, 'labels.u8')
  if (labels.length !== run.samples) {
    throw new RecordError(`labels.u8: ${labels.length} labels for ${run.samples} samples`)
  }
  const sampled = sampledFiles(await readdir(folder))
  return { folder, run, journal, permutations, labels, sampled }
}

function sampledFiles(names: readonly string[]): readonly SampledFile[] {
  const files: SampledFile[] = []
  for (const file of names) {
    const match = /^step-(\d+)-(\d+)\.safetensors$/.exec(file)
    if (match !== null) files.push({ file, epoch: Number(match[1]), step: Number(match[2]) })
  }
  return files.toSorted((left, right) => left.epoch - right.epoch || left.step - right.step)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RecordError('run.json is not JSON', { cause })
  }
}

async function readText(folder: string, file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(folder, file))
}

/** A file of the record; names from the journal must not lead out of its folder. */
export async function readBytes(folder: string, file: string): Promise<Uint8Array> {
  if (basename(file) !== file) throw new RecordError(`${file} is not a file name`)
  try {
    return Uint8Array.from(await readFile(join(folder, file)))
  } catch (cause) {
    throw new RecordError(`${file} cannot be read`, { cause })
  }
}
