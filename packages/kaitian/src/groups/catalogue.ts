import { KaitianError } from '@kaitian/errors'

// What can be named in a group. A word that is only planned gets its own
// answer: "unknown" would send a user who spelt it right looking for a typo.

/** Engines that exist, each with the vendors it runs on. */
const ENGINES: Readonly<Record<string, readonly string[]>> = { tfjs: ['cpu'], sim: ['sim'] }
const PLANNED_ENGINES = ['torch']
const PLANNED_VENDORS = ['cuda', 'hip', 'mlu', 'npu']

/** Throws UNKNOWN_ENGINE or UNKNOWN_DEVICE unless `engine` exists and runs on `vendor`. */
export function checkPlacement(engine: string, vendor: string, spec: string): void {
  const runsOn = Object.hasOwn(ENGINES, engine) ? ENGINES[engine] : undefined
  if (runsOn === undefined) refuseEngine(engine, spec)
  if (runsOn.includes(vendor)) return
  if (Object.values(ENGINES).flat().includes(vendor)) refusePair(engine, vendor, spec)
  refuseVendor(vendor, spec)
}

function refuseEngine(engine: string, spec: string): never {
  const state = PLANNED_ENGINES.includes(engine) ? 'is planned but not supported yet' : 'is unknown'
  throw new KaitianError(
    'UNKNOWN_ENGINE',
    `Engine '${engine}' in '${spec}' ${state}; use one of ${pairs()}.`,
    { fields: { engine, engines: Object.keys(ENGINES) } },
  )
}

function refuseVendor(vendor: string, spec: string): never {
  const state = PLANNED_VENDORS.includes(vendor) ? 'is planned but not supported yet' : 'is unknown'
  throw new KaitianError(
    'UNKNOWN_DEVICE',
    `Device '${vendor}' in '${spec}' ${state}; use one of ${pairs()}.`,
    { fields: { vendor, vendors: Object.values(ENGINES).flat() } },
  )
}

function refusePair(engine: string, vendor: string, spec: string): never {
  throw new KaitianError(
    'UNKNOWN_DEVICE',
    `Engine '${engine}' does not run on '${vendor}' in '${spec}'; use one of ${pairs()}.`,
    { fields: { engine, vendor } },
  )
}

function pairs(): string {
  return Object.entries(ENGINES)
    .flatMap(([engine, vendors]) => vendors.map((vendor) => `${engine}@${vendor}`))
    .join(', ')
}
