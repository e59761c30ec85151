import { toKaitianError, type KaitianError } from '@kaitian/errors'
import { saveWeights } from '../checkpoint/weights.js'
import { floats } from '../device/state.js'
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
  try {
    if (options.save !== undefined && devices.length > 0) {
      const { state } = devices[0].info.regions
      // Every commit flips a device's buffers, so their number says which one is current.
      const current = floats(state[committed % 2 === 0 ? 0 : 1])
      await saveWeights(options.save, model.layout, current)
    }
    await journal.end(whole ? 'finished' : 'interrupted', digest)
    return undefined
  } catch (error) {
    return toKaitianError(error, 'FILE_WRITE_FAILED', 'The end of the run could not be written')
  }
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
