import { KaitianError } from '@kaitian/errors'
import { checkAllocation } from '../checks.js'
import type { DeviceAddress, DeviceContext, Region } from '../types.js'

/**
 * Regions are plain shared buffers: with no native user there is nothing to
 * pin, and V8 keeps them while anybody holds them. They start at byte 0,
 * because an address, and so its alignment, cannot be seen from here.
 */
export function openContext(device: DeviceAddress): DeviceContext {
  const names = new Set<string>()
  let open = true
  return {
    device,
    allocate(name, byteLength): Region {
      if (!open)
        throw new KaitianError('BAD_ARGUMENT', 'The device context was disposed; open one.')
      checkAllocation(name, byteLength, names.has(name))
      names.add(name)
      return { name, buffer: new SharedArrayBuffer(byteLength), byteOffset: 0, byteLength }
    },
    dispose(): void {
      open = false
      names.clear()
    },
  }
}
