import { KaitianError } from '@kaitian/errors'
import * as v from 'valibot'
import { GroupName } from './frame.js'
import type { Peer, PeeringOptions } from './peering.js'

/** Bad input is refused here, before a socket or a timer exists. */

function refuse(sentence: string, fields: Record<string, unknown> = {}): never {
  throw new KaitianError('BAD_ARGUMENT', sentence, { fields })
}

export function checkPeering(options: PeeringOptions): void {
  const { group, groups, secret, port, deadlineMs } = options
  for (const name of groups) {
    if (v.safeParse(GroupName, name).success) continue
    refuse(`"${name}" is no name for a group; use up to 64 characters, no spaces, no commas.`)
  }
  if (new Set(groups).size < groups.length) refuse('Two groups have the same name.', { groups })
  if (!groups.includes(group)) refuse(`Group "${group}" is not in the list of groups.`, { groups })
  if (secret === '') refuse('The secret is empty; give all groups the same random text.')
  checkPort(port, 0)
  if (!(deadlineMs > 0)) refuse(`deadlineMs must be above 0, not ${deadlineMs}.`, { deadlineMs })
}

export function checkPeer({ group, port }: Peer, groups: readonly string[]): void {
  checkGroup(group, groups)
  checkPort(port, 1)
}

export function checkGroup(group: string, groups: readonly string[]): void {
  if (groups.includes(group)) return
  refuse(`"${group}" is no group of this run, which has ${groups.join(', ')}.`, { group, groups })
}

function checkPort(port: number, least: number): void {
  if (Number.isInteger(port) && port >= least && port <= 65535) return
  refuse(`${port} is no port; use ${least} to 65535.`, { port })
}
