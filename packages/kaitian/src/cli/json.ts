import type { Training } from '../training/training.js'

const NAMES = ['ready', 'generation', 'step', 'fault', 'epoch', 'end'] as const

/** Writes every event as one line of JSON; docs/json-output.md describes the fields. */
export function writeJsonLines(training: Training, write: (text: string) => void): void {
  for (const event of NAMES) {
    training.events.on(event, (payload: object) =>
      write(`${JSON.stringify({ event, ...payload })}\n`),
    )
  }
}
