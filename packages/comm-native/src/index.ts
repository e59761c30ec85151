export * from './types.js'
export { loadBackend } from './backend.js'
