export {
  isKaitianError,
  KaitianError,
  toKaitianError,
  type ErrorCode,
  type ErrorRecord,
} from './error.js'
export { messageOf } from './foreign.js'
export { ownFile } from './own-file.js'
