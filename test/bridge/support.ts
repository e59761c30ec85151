import { virtualClock, type VirtualClock } from '@kaitian/actors'
import { loadBackend, type TrunkLoss } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'
import { Peering, type PeeringOptions } from '@kaitian/train/bridge'
import * as assert from 'uvu/assert'
import { eventually } from '../actors/support.js'

export const SECRET = 'a secret for tests, thirty-two bytes or more'
export const DEADLINE_MS = 1000

/** One group's peering, and what it has reported. */
export interface End {
  readonly group: string
  readonly peering: Peering
  readonly refused: KaitianError[]
  readonly attached: string[]
  readonly lost: { readonly group: string; readonly loss: TrunkLoss }[]
}

export type Change = Partial<PeeringOptions>

/** Peerings of one test, on a clock that stands still unless the test moves it. */
export class Cluster {
  readonly clock: VirtualClock = virtualClock()
  readonly #ends: End[] = []

  async open(group: string, groups: readonly string[], change: Change = {}): Promise<End> {
    const end = this.make(group, groups, change)
    await end.peering.listen()
    return end
  }

  make(group: string, groups: readonly string[], change: Change = {}): End {
    const reports = {
      refused: [] as KaitianError[],
      attached: [] as string[],
      lost: [] as { group: string; loss: TrunkLoss }[],
    }
    const peering = new Peering({
      group,
      groups,
      secret: SECRET,
      host: '127.0.0.1',
      port: 0,
      clock: this.clock,
      deadlineMs: DEADLINE_MS,
      backend: loadBackend('native'),
      onRefused: (error) => void reports.refused.push(error),
      onAttached: (peer) => void reports.attached.push(peer),
      onLost: (peer, loss) => void reports.lost.push({ group: peer, loss }),
      ...change,
    })
    const end = { group, peering, ...reports }
    this.#ends.push(end)
    return end
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ends.map(({ peering }) => peering.dispose()))
    assert.is(this.clock.pending, 0, 'timers left after dispose')
  }

  /** Lets time pass, in steps shorter than a deadline, until something has come about. */
  async passes(what: string, condition: () => boolean): Promise<void> {
    for (let step = 0; step < 10_000; step++) {
      if (condition()) return
      await this.clock.advance(20)
      await turns(20)
    }
    assert.unreachable(`never happened: ${what}`)
  }
}

export function addresses(
  ...ends: readonly End[]
): { group: string; host: string; port: number }[] {
  return ends.map(({ group, peering }) => ({ group, ...peering.address }))
}

export async function connectAll(...ends: readonly End[]): Promise<void> {
  await Promise.all(ends.map(({ peering }) => peering.connect(addresses(...ends))))
}

/** The error that a promise is rejected with; its rejection counts as handled from now on. */
export async function failure(promise: Promise<unknown>): Promise<KaitianError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.instance(outcome, KaitianError)
  return outcome as KaitianError
}

/** Waits until something has come about; a wait in vain is ended by the runner, which shows what for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const told = setTimeout(() => console.log(`\n  waits for this: ${what}`), 60_000)
  await eventually(condition)
  clearTimeout(told)
}

/** Gives the sockets some turns of the event loop, to show that something does not happen. */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A frame around any bytes, with the checksum worked out bit by bit, apart from the code. */
export function sealed(header: Uint8Array, change: (prefix: Buffer) => void = () => {}): Buffer {
  const prefix = Buffer.alloc(16)
  prefix.set([0x4b, 0x54, 0x4e, 2])
  prefix.writeUInt32LE(header.byteLength, 4)
  change(prefix)
  let crc = 0xffffffff
  for (const byte of Buffer.concat([prefix.subarray(0, 12), header])) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  prefix.writeUInt32LE(~crc >>> 0, 12)
  return Buffer.concat([prefix, header])
}
