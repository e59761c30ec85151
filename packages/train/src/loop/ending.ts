import { toKaitianError, type KaitianError } from '@kaitian/errors'
import type { Cluster } from '../cluster/cluster.js'
import type { Journal } from '../record/journal.js'
import type { SaveReport } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { Member } from '../cluster/members.js'

export interface WrittenEnd {
  /** The first file that could not be written. */
  readonly failure?: KaitianError
  /** What became of the weights, if they were to be saved. */
  readonly save?: SaveReport
}

interface End {
  readonly cluster: Cluster
  readonly settings: RunSettings
  readonly journal: Journal
  /** Whether every epoch was completed. */
  readonly whole: boolean
}

/** Writes what outlives a run: the journal's last line, and the weights, if asked for. */
export async function writeEnd(end: End): Promise<WrittenEnd> {
  const { cluster, journal, whole } = end
  const [recorded, saved] = await Promise.allSettled([
    journal.end(whole ? 'finished' : 'interrupted', cluster.progress.digest),
    save(end),
  ])
  const failed = [recorded, saved].find((outcome) => outcome.status === 'rejected')
  const report = saved.status === 'fulfilled' ? saved.value : notSaved(end, saved.reason)
  return {
    ...(report === undefined ? {} : { save: report }),
    ...(failed === undefined
      ? {}
      : {
          failure: toKaitianError(
            failed.reason,
            'FILE_WRITE_FAILED',
            'The end of the run could not be written',
          ),
        }),
  }
}

/** Nothing is written over good weights by a run that has not trained any. */
async function save(end: End): Promise<SaveReport | undefined> {
  const { save: file } = end.settings.options
  if (file === undefined) return undefined
  if (end.cluster.committed === 0) return notSaved(end, 'no step was committed')
  await end.cluster.save(file)
  return { file, written: true }
}

function notSaved({ settings }: End, why: unknown): SaveReport | undefined {
  const { save: file } = settings.options
  if (file === undefined) return undefined
  return { file, written: false, reason: why instanceof Error ? why.message : String(why) }
}

/** The state digest of each device that still answers. */
export async function digestsOf(
  devices: readonly Member[],
  timeoutMs: number,
): Promise<Record<string, string>> {
  const views = await Promise.allSettled(
    devices.map(async ({ name, ref }) => {
      const { digest } = await ref.ask.view(undefined, { timeoutMs })
      return [name, digest] as const
    }),
  )
  const known = views.filter((view) => view.status === 'fulfilled')
  return Object.fromEntries(known.map(({ value }) => value))
}
