export * from './model.js'
export * from './builders.js'
export { defineModel } from './define.js'
export { initialWeights } from './weights.js'
