import { toKaitianError, type KaitianError } from '@kaitian/errors'
import { saveWeights } from '../checkpoint/weights.js'
import { currentBuffer } from '../device/state.js'
import type { Journal } from '../record/journal.js'
import type { RunSettings } from '../run/settings.js'
import type { CrewDevice } from './crew.js'

/** Writes what outlives a run: the weights, if asked for, and the journal's last line. */
export async function writeEnd(end: {
  readonly settings: RunSettings
  readonly journal: Journal
  readonly devices: readonly CrewDevice[]
  readonly committed: number
  /** Of the last commit, or of the start. */
  readonly digest: string
  /** Whether every epoch was completed. */
  readonly whole: boolean
}): Promise<KaitianError | undefined> {
  const { settings, journal, devices, committed, digest, whole } = end
  const { options, model } = settings
  const writing: Promise<void>[] = [journal.end(whole ? 'finished' : 'interrupted', digest)]
  if (options.save !== undefined && devices.length > 0) {
    const current = currentBuffer(devices[0].info.regions, committed)
    writing.push(saveWeights(options.save, model.layout, current.state))
  }
  for (const outcome of await Promise.allSettled(writing)) {
    if (outcome.status === 'fulfilled') continue
    const what = 'The end of the run could not be written'
    return toKaitianError(outcome.reason, 'FILE_WRITE_FAILED', what)
  }
  return undefined
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
