import type { GenericSchema } from 'valibot'
import * as v from 'valibot'
import { strict } from '../schema/checked.js'
import { between, LONGEST_MS, whole } from '../schema/values.js'

const ms = between(0, LONGEST_MS, ' ms')

/** What can be set of each engine; apart from the engines, which are costly to import. */
export const ENGINE_SETTINGS: ReadonlyMap<string, GenericSchema> = new Map([
  [
    'sim',
    strict({
      alphaMs: v.optional(ms),
      betaMs: v.optional(ms),
      mostSamples: v.optional(whole(1)),
    }) as GenericSchema,
  ],
  ['tfjs', strict({}) as GenericSchema],
])
