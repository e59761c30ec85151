import { conductConformance } from './collectives/conduct.conformance.js'
import { exactnessConformance } from './collectives/exactness.conformance.js'
import { lossesConformance } from './collectives/losses.conformance.js'
import { threads } from './collectives/threads.js'
import { whenNative } from './conformance.js'

whenNative(() => {
  conductConformance(threads)
  lossesConformance(threads)
  exactnessConformance(threads)
})
