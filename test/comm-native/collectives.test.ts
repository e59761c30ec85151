import { conductConformance } from './collectives/conduct.conformance.js'
import { exactnessConformance } from './collectives/exactness.conformance.js'
import { lossesConformance } from './collectives/losses.conformance.js'
import { threads } from './collectives/threads.js'
import { whenNative } from './conformance.js'
import { depth } from '../depth.js'

whenNative(() => {
  conductConformance(threads)
  exactnessConformance(threads)
  // In a cut collectives-pool.test.ts has them, where they are harder to bear.
  if (depth({ cut: false, full: true })) lossesConformance(threads)
})
