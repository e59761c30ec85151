import type { Bench } from '../bench/bench.js'
import type { Training } from '../training/training.js'

// Every event as one line of JSON; docs/json-output.md describes the fields.

type Write = (text: string) => unknown

const TRAINING = ['ready', 'generation', 'step', 'fault', 'epoch', 'log', 'end'] as const
const BENCH = ['start', 'size', 'end'] as const

export function writeTrainingLines({ events }: Training, write: Write): void {
  for (const event of TRAINING) events.on(event, writeLine(event, write))
}

export function writeBenchLines({ events }: Pick<Bench, 'events'>, write: Write): void {
  for (const event of BENCH) events.on(event, writeLine(event, write))
}

function writeLine(event: string, write: Write): (payload: object) => void {
  return (payload) => void write(`${JSON.stringify({ event, ...payload })}\n`)
}
