import type { DeviceAddress } from '@kaitian/comm-native'
import { KaitianError } from '@kaitian/errors'

/** `cpu:0` → { vendor: 'cpu', ordinal: 0 }. */
export function parseDevice(device: string): DeviceAddress {
  const match = /^([a-z][a-z0-9-]*):(\d+)$/.exec(device)
  if (match === null) {
    throw new KaitianError(
      'UNKNOWN_DEVICE',
      `"${device}" is not a device; write vendor:ordinal, for example cpu:0.`,
      { fields: { device } },
    )
  }
  return { vendor: match[1], ordinal: Number(match[2]) }
}
