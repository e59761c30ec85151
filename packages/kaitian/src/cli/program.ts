import { KaitianError } from '@kaitian/errors'
import type { Pace } from '@kaitian/train'
import { Command, CommanderError } from 'commander'
import type { CollectiveName } from '../bench/collectives.js'
import { benchProgram, type BenchFlags } from './bench-program.js'
import { buildNativeProgram } from './build-native-program.js'
import { trainFlags } from './train-flags.js'

/** What `kaitian train` was given, as commander hands it over: see train-flags.ts. */
export interface TrainFlags {
  readonly group?: readonly string[]
  readonly pace?: ReadonlyMap<string, Pace>
  readonly record?: string
  readonly sampleEvery?: unknown
  readonly save?: string
  readonly json?: boolean
  readonly report?: string
}

export interface ProgramActions {
  readonly version: string
  readonly write: (text: string) => void
  readonly train: (task: string, flags: TrainFlags) => Promise<void>
  readonly buildNative: () => Promise<void>
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
  const commands = [
    trainCommand(actions),
    benchProgram(actions.bench),
    buildNativeProgram(actions.buildNative),
  ]
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
  for (const flag of trainFlags()) command.addOption(flag)
  return command.action((task: string, flags: TrainFlags) => actions.train(task, flags))
}
