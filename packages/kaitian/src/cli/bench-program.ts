import { DTYPES, OPS, type DType, type Op } from '@kaitian/comm-native'
import { Argument, Command, Option } from 'commander'
import { COLLECTIVE_NAMES, type CollectiveName } from '../bench/collectives.js'
import type { BenchOptions } from '../bench/options.js'
import { asNumber, readGroups, readSize } from './values.js'

/** What `kaitian bench` was given, as commander hands it over. */
export interface BenchFlags {
  readonly ranks: number
  readonly groups?: readonly number[]
  readonly min: number
  readonly max: number
  readonly factor: number
  readonly dtype: DType
  readonly op?: Op
  readonly iterations?: number
  readonly warmup?: number
  readonly check: boolean
  readonly json?: boolean
}

const HOW = `
How it is measured, after nccl-tests: for each size some calls to warm up, a
barrier, then the iterations back to back, on buffers that are not rewritten in
between. The time of a call is rank 0's elapsed time divided by the iterations.
algbw is size / time, busbw is algbw times the collective's factor: 2(n-1)/n for
allreduce, (n-1)/n for allgather, reduce-scatter and all-to-all, 1 for reduce and
broadcast (root 0). After the timed calls every rank fills its buffers anew, makes
one more call and compares all of its result with what it must be.`

export function benchProgram(
  run: (collective: CollectiveName, flags: BenchFlags) => Promise<void>,
): Command {
  const command = new Command('bench')
    .description("Measure the native collectives on this machine, in nccl-tests' terms")
    .addArgument(new Argument('<collective>', 'what is measured').choices(COLLECTIVE_NAMES))
  addRankOptions(command)
  addSizeOptions(command)
  return command
    .addHelpText('after', HOW)
    .action((collective: CollectiveName, flags: BenchFlags) => run(collective, flags))
}

function addRankOptions(command: Command): void {
  command
    .addOption(
      new Option('--ranks <n>', 'how many take part, each a thread of this process')
        .default(2)
        .argParser(asNumber)
        .conflicts('groups'),
    )
    .option(
      '--groups <sizes>',
      'in place of --ranks: how many in each group, e.g. 2,2; groups reduce first, then their results',
      readGroups,
    )
    .addOption(new Option('--dtype <type>', 'of the elements').choices(DTYPES).default('f32'))
    .addOption(new Option('--op <name>', 'how elements are reduced (default: "sum")').choices(OPS))
    .option('--no-check', 'do not verify the results')
    .option('--json', 'one JSON object a line on stdout (docs/json-output.md)')
}

function addSizeOptions(command: Command): void {
  const size = (flag: string, text: string, fallback: number, written: string): Option =>
    new Option(`${flag} <size>`, text).default(fallback, written).argParser(readSize(flag))
  command
    .addOption(size('--min', 'smallest size', 4 * 2 ** 10, '4KiB'))
    .addOption(size('--max', 'no size is larger', 64 * 2 ** 20, '64MiB'))
    .option('--factor <n>', 'each size, by the one before', asNumber, 4)
    .option('--iterations <n>', 'timed calls (default: by size)', asNumber)
    .option('--warmup <n>', 'calls before them (default: a tenth of the iterations)', asNumber)
}

/** The command line's flags as the measurement's options. */
export function toBenchOptions(collective: CollectiveName, flags: BenchFlags): BenchOptions {
  const { ranks, groups = [ranks], json: _, ...rest } = flags
  return { ...rest, collective, groups }
}
