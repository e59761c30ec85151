export {
  testSystem,
  type TestSystem,
  type TestSystemOptions,
  type TraceEntry,
} from './test-system.js'
export { overSeeds, type Property } from './seeds.js'
export type { Faults } from './faults.js'
export type { Probe, Received } from './probe.js'
