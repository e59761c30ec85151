export type * from './engine.js'
export { engineFactory } from './registry.js'
export { openSimEngine } from './sim/engine.js'
