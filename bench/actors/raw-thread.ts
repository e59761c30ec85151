import { parentPort } from 'node:worker_threads'
import { answerTo, type Gradient } from './message.js'

/** To the thread: messages one way, alone or together; an ask with its id; how many came? */
export type RawFrame =
  | Gradient
  | Gradient[]
  | { type: 'ask'; id: number; message: Gradient }
  | { type: 'total'; id: number }

export interface RawReply {
  readonly id: number
  readonly reply: number
}

let sum = 0

parentPort?.on('message', (frame: RawFrame) => {
  if (Array.isArray(frame)) {
    for (const { n } of frame) sum += n
  } else if (frame.type === 'grad') {
    sum += frame.n
  } else if (frame.type === 'ask') {
    reply(frame.id, answerTo(frame.message))
  } else {
    reply(frame.id, sum)
    sum = 0
  }
})

function reply(id: number, value: number): void {
  parentPort?.postMessage({ id, reply: value } satisfies RawReply)
}
