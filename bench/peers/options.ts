import { parseArgs } from 'node:util'

export interface Options<Name extends string> {
  readonly rounds: number
  readonly only: readonly Name[]
  /** In bytes. */
  readonly sizes: readonly number[]
}

const units = { KiB: 1024, MiB: 1024 ** 2 } as const

/** `--rounds 7 --only gloo,kernel --sizes 64KiB,4MiB`; ends the process when it is none of that. */
export function readOptions<Name extends string>(
  names: readonly Name[],
  usualSizes: string,
): Options<Name> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: names.join(',') },
      sizes: { type: 'string', default: usualSizes },
    },
  })
  const rounds = Math.max(5, Number(values.rounds))
  const only = values.only.split(',')
  const sizes = values.sizes.split(',').map(bytesOf)
  const numbers = [rounds, ...sizes].every(Number.isFinite)
  if (!numbers || !only.every((name) => isOneOf(names, name))) {
    console.error(
      `--rounds takes a number, --only some of ${names.join(',')}, --sizes some like ${usualSizes}.`,
    )
    process.exit(2)
  }
  return { rounds, only: names.filter((name) => only.includes(name)), sizes }
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}

/** Whole KiB, which every number of ranks that we measure divides into whole cache lines. */
function bytesOf(size: string): number {
  const [, count, unit] = /^([1-9]\d*)(KiB|MiB)$/.exec(size) ?? []
  return Number(count) * units[unit as keyof typeof units]
}

export function sizeText(bytes: number): string {
  return bytes % units.MiB === 0 ? `${bytes / units.MiB} MiB` : `${bytes / units.KiB} KiB`
}
