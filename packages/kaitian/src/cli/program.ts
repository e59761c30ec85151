import { KaitianError } from '@kaitian/errors'
import type { Pace } from '@kaitian/train'
import { Command, CommanderError, Option } from 'commander'
import type { CollectiveName } from '../bench/collectives.js'
import { benchProgram, type BenchFlags } from './bench-program.js'
import { collect, readPace, readPort, readPositive, readWhole } from './values.js'

/** What `kaitian train` was given, as commander hands it over. */
export interface TrainFlags {
  readonly group: readonly string[]
  readonly epochs?: number
  readonly batch?: number
  readonly shard?: number
  readonly seed?: number
  readonly data?: string
  readonly deterministic?: boolean
  readonly policy?: 'adaptive' | 'even'
  readonly pace?: Readonly<Record<string, Pace>>
  readonly maxSteps?: number
  readonly evaluate: boolean
  readonly backend?: 'auto' | 'native' | 'typescript'
  readonly bridge?: 'auto' | 'memory' | 'tcp'
  readonly deadline?: number
  readonly port?: Readonly<Record<string, number>>
  readonly secret?: string
  readonly record?: string
  readonly sampleEvery?: number
  readonly weights?: string
  readonly save?: string
  readonly json?: boolean
  readonly report?: string
}

export interface ProgramActions {
  readonly version: string
  readonly write: (text: string) => void
  readonly train: (task: string, flags: TrainFlags) => Promise<void>
  readonly bench: (collective: CollectiveName, flags: BenchFlags) => Promise<void>
}

/**
 * Reads the command line and runs what it names. Bad input throws
 * BAD_ARGUMENT; help and version are written and return.
 */
export async function runProgram(words: readonly string[], actions: ProgramActions): Promise<void> {
  const program = new Command('kaitian')
    .description('Train one model across accelerators that cannot talk to each other')
    .version(actions.version)
  const commands = [trainCommand(actions), benchProgram(actions.bench)]
  for (const command of commands) program.addCommand(command)
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({ writeOut: actions.write, writeErr: () => {} })
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw refusal(error, program, words[0])
  }
}

function refusal(error: CommanderError, program: Command, word: string | undefined): KaitianError {
  const command = program.commands.find((known) => known.name() === word)
  const help = command === undefined ? 'kaitian --help' : `kaitian ${command.name()} --help`
  // Without a subcommand commander "fails" with the help text as its message.
  if (error.code === 'commander.help') {
    return new KaitianError('BAD_ARGUMENT', `Name a command; see '${help}'.`)
  }
  const sentence = error.message
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/\.$/, '')
  return new KaitianError('BAD_ARGUMENT', `${sentence}; see '${help}'.`)
}

function trainCommand(actions: ProgramActions): Command {
  const command = new Command('train')
    .description('Train the task of a module on groups of devices')
    .argument('<task>', 'module file, or a folder whose package.json names it')
    .requiredOption(
      '--group <name=engine@device[*n]>',
      'a group of like devices; repeatable',
      collect,
    )
  addRunOptions(command)
  addFileOptions(command)
  addSystemOptions(command)
  return command.action((task: string, flags: TrainFlags) => actions.train(task, flags))
}

function addRunOptions(command: Command): void {
  command
    .option('--epochs <n>', "epochs to train (default: the task's)", readWhole('--epochs'))
    .option('--batch <n>', 'samples a step, over all devices', readWhole('--batch'))
    .option('--shard <n>', 'samples of a shard, the unit that is dealt out', readWhole('--shard'))
    .option('--seed <n>', 'seed of order, augmentation and weights', readWhole('--seed'))
    .option('--max-steps <n>', 'stop after this many steps', readWhole('--max-steps'))
    .option('--deterministic', 'the same bits for any split, schedule or failure')
    .option('--no-evaluate', 'do not test after each epoch')
    .addOption(
      new Option('--policy <name>', 'how the batch is split').choices(['adaptive', 'even']),
    )
    .option(
      '--pace <group=alpha+beta>',
      'simulate a slower group: a step takes at least alpha ms + beta ms a sample; repeatable',
      readPace,
    )
}

function addFileOptions(command: Command): void {
  command
    .addOption(new Option('--data <folder>', 'the data set').env('KAITIAN_DATA'))
    .option('--weights <file>', 'safetensors file to start from')
    .option('--save <file>', 'write the final weights, as safetensors')
    .option('--record <folder>', 'write a run record for the independent checker')
    .option('--sample-every <n>', 'record every nth step in full', readWhole('--sample-every'))
    .option('--report <file>', 'write an HTML report')
    .option('--json', 'one JSON object a line on stdout (docs/json-output.md)')
}

function addSystemOptions(command: Command): void {
  command
    .addOption(
      new Option('--backend <name>', 'which collectives run').choices([
        'auto',
        'native',
        'typescript',
      ]),
    )
    .addOption(
      new Option('--bridge <how>', 'how groups reduce: in memory, or over TCP as hosts do').choices(
        ['auto', 'memory', 'tcp'],
      ),
    )
    .option(
      '--deadline <ms>',
      'the one deadline all time limits derive from',
      readPositive('--deadline'),
    )
    .option(
      '--port <group=port>',
      "a group's bridge port, which means --bridge tcp (default: any free one); repeatable",
      readPort,
    )
    .addOption(
      new Option('--secret <text>', "the bridges' shared secret (default: a random one)").env(
        'KAITIAN_SECRET',
      ),
    )
}
