import { messagePort } from '@kaitian/actors/internal'
import { MessageChannel } from 'node:worker_threads'
import { portConformance } from '../conformance/port.js'

portConformance('between threads', () => {
  const { port1, port2 } = new MessageChannel()
  return Promise.resolve([messagePort(port1), messagePort(port2)])
})
