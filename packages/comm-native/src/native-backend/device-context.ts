import { KaitianError } from '@kaitian/errors'
import { checkAllocation } from '../checks.js'
import type { NativeAddon } from '../native.js'
import type { DeviceAddress, DeviceContext, Region } from '../types.js'

/** A cache line, and the widest vector there is. */
const ALIGNMENT = 64

/**
 * Regions are shared buffers made in JavaScript and pinned by the core. V8
 * gives no alignment promise (buffers of a mebibyte and more lie 16 bytes
 * past a line, which would split every vector), so they are made too long and
 * start where a line does.
 */
export function openContext(addon: NativeAddon, device: DeviceAddress): DeviceContext {
  const context = new addon.DeviceContext()
  let open = true
  return {
    device,
    allocate(name, byteLength): Region {
      if (!open)
        throw new KaitianError('BAD_ARGUMENT', 'The device context was disposed; open one.')
      checkAllocation(name, byteLength, false)
      const buffer = new SharedArrayBuffer(byteLength + ALIGNMENT - 1)
      const past = addon.addressModulo(buffer, ALIGNMENT)
      const byteOffset = past === 0 ? 0 : ALIGNMENT - past
      checkAllocation(name, byteLength, !context.add(name, buffer, byteOffset, byteLength))
      return { name, buffer, byteOffset, byteLength }
    },
    dispose(): void {
      open = false
      context.release()
    },
  }
}
