import { KaitianError } from '@kaitian/errors'
import type { NativeTrunk } from '../native.js'
import type { CommunicatorOptions } from '../types.js'
import { NativeBackedTrunk } from './trunk.js'

/**
 * The core's ways to the other groups; none to this one.
 *
 * @throws BAD_ARGUMENT
 */
export function waysOf({ span }: CommunicatorOptions): (NativeTrunk | undefined)[] {
  if (span === undefined) return []
  const found: NativeBackedTrunk[] = []
  return span.trunks.map((trunk, group) => {
    if (group === span.group || trunk === undefined) return undefined
    if (!(trunk instanceof NativeBackedTrunk)) {
      refuse(`span.trunks[${group}] is not of this backend; take what its openTrunk returns.`)
    }
    checkAlike(found[0] ?? trunk, trunk, group)
    if (found.includes(trunk)) {
      refuse(`span.trunks[${group}] leads to another group, too; open one for each.`)
    }
    found.push(trunk)
    return trunk.handle
  })
}

/** Every group cuts operations by what it has itself. */
function checkAlike(first: NativeBackedTrunk, trunk: NativeBackedTrunk, group: number): void {
  for (const option of ['chunkBytes', 'window'] as const) {
    if (trunk[option] === first[option]) continue
    refuse(
      `span.trunks[${group}] has a ${option} of ${trunk[option]}, another ${first[option]}; open all trunks of a run alike.`,
    )
  }
}

function refuse(sentence: string): never {
  throw new KaitianError('BAD_ARGUMENT', sentence)
}
