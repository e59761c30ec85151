import type { BuildOptions } from './build.js'

/** On a terminal one line that is written again, elsewhere a line for each tenth. */
export function progressOn(stream: {
  readonly isTTY?: boolean
  write(text: string): unknown
}): BuildOptions['progress']
