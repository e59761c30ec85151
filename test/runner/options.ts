import { parseArgs } from 'node:util'

export interface Options {
  /** Parts of names; none means all files. */
  readonly filters: readonly string[]
  /** Only what failed the last time it ran. */
  readonly failed: boolean
}

export const USAGE = 'npm test -- [--failed] [part of a name …]'

/** Reads the command line; a flag that is not known is refused, not taken for a name. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { failed: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  return { filters: positionals, failed: values.failed }
}
