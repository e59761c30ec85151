import { exactnessConformance } from './collectives/exactness.conformance.js'
import { threads } from './collectives/threads.js'
import { whenNative } from './conformance.js'

whenNative(() => exactnessConformance(threads))
