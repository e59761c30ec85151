import { toKaitianError, type KaitianError } from '@kaitian/errors'
import { saveWeights } from '../checkpoint/weights.js'
import { currentBuffer } from '../device/state.js'
import type { Journal } from '../record/journal.js'
import type { SaveReport } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { CrewDevice } from './crew.js'

export interface WrittenEnd {
  /** The first file that could not be written. */
  readonly failure?: KaitianError
  /** What became of the weights, if they were to be saved. */
  readonly save?: SaveReport
}

/** Writes what outlives a run: the journal's last line, and the weights, if asked for. */
export async function writeEnd(end: {
  readonly settings: RunSettings
  readonly journal: Journal
  readonly devices: readonly CrewDevice[]
  readonly committed: number
  /** Of the last commit, or of the start. */
  readonly digest: string
  /** Whether every epoch was completed. */
  readonly whole: boolean
}): Promise<WrittenEnd> {
  const { journal, digest, whole } = end
  const [recorded, saved] = await Promise.allSettled([
    journal.end(whole ? 'finished' : 'interrupted', digest),
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

type Saving = Pick<Parameters<typeof writeEnd>[0], 'settings' | 'devices' | 'committed'>

/** Nothing is written over good weights by a run that has not trained any. */
async function save(saving: Saving): Promise<SaveReport | undefined> {
  const { settings, devices, committed } = saving
  const { save: file } = settings.options
  if (file === undefined) return undefined
  if (committed === 0) return notSaved(saving, 'no step was committed')
  if (devices.length === 0) return notSaved(saving, 'no device was left to read them from')
  const { state } = currentBuffer(devices[0].info.regions, committed)
  await saveWeights(file, settings.model.layout, state)
  return { file, written: true }
}

function notSaved({ settings }: Saving, why: unknown): SaveReport | undefined {
  const { save: file } = settings.options
  if (file === undefined) return undefined
  return { file, written: false, reason: why instanceof Error ? why.message : String(why) }
}

/** The state digest of each device that still answers. */
export async function digestsOf(
  devices: readonly CrewDevice[],
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
