import { exactnessConformance } from './collectives/exactness.conformance.js'
import { tcp } from './collectives/tcp.js'
import { whenNative } from './conformance.js'

whenNative(() => exactnessConformance(tcp))
