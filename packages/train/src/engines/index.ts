export type * from './engine.js'
export { engineFactory } from './registry.js'
export { paced, PacedEngine, type Pace } from './paced.js'
export { openSimEngine } from './sim/engine.js'
