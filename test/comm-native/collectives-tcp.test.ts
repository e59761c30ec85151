import { conductConformance } from './collectives/conduct.conformance.js'
import { lossesConformance } from './collectives/losses.conformance.js'
import { processesConformance } from './collectives/processes.conformance.js'
import { tcp, tcpWith } from './collectives/tcp.js'
import { whenNative } from './conformance.js'
import { depth } from '../depth.js'

whenNative(() => {
  // Neither a wait for another group nor its end may need libuv's pool.
  const starved = tcpWith('processes over TCP with one thread in the pool', {
    UV_THREADPOOL_SIZE: '1',
  })
  conductConformance(tcp)
  processesConformance(tcp)
  // In a cut the losses are tried where they are harder to bear.
  lossesConformance(starved)
  if (depth({ cut: false, full: true })) {
    lossesConformance(tcp)
    conductConformance(starved)
  }
})
