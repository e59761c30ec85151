export { KaitianError, toKaitianError, type ErrorCode, type ErrorRecord } from './error.js'
