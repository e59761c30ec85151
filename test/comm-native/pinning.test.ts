import { whenNative } from './conformance.js'
import { pinningConformance } from './pinning.conformance.js'

whenNative(() => pinningConformance('native'))
