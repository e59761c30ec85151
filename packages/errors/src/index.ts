export { KaitianError, toKaitianError, type ErrorCode, type ErrorRecord } from './error.js'
export { ownFile } from './own-file.js'
