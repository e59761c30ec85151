import { Bench } from '../bench/bench.js'
import { startTraining, type StartTraining } from '../training/train.js'
import { version } from '../version.js'
import { benchCommand, type StartBench } from './bench-command.js'
import { buildNativeCommand } from './build-native-program.js'
import { asKaitianError, errorLine, EXIT } from './exit.js'
import { processHost, type Host } from './host.js'
import { settledCode } from './outside.js'
import { runProgram } from './program.js'
import { trainCommand } from './train-command.js'

/** What begins the work of a command; others in tests. */
export interface Starters {
  readonly train: StartTraining
  readonly bench: StartBench
}

const STARTERS: Starters = { train: startTraining, bench: (options) => new Bench(options) }

/** The `kaitian` command. Ends the process, so that nothing can be left running. */
export async function main(argv: readonly string[]): Promise<never> {
  const host = processHost()
  return host.exit(await runCommandLine(argv.slice(2), host, STARTERS))
}

/** Answers with the exit code. */
export async function runCommandLine(
  words: readonly string[],
  host: Host,
  starters: Starters,
): Promise<number> {
  return await settledCode(await codeOf(words, host, starters), host)
}

async function codeOf(words: readonly string[], host: Host, starters: Starters): Promise<number> {
  let code: number = EXIT.ok
  try {
    await runProgram(words, {
      version: version(),
      write: (text) => host.out.write(text),
      train: async (task, flags) => {
        code = await trainCommand(task, flags, host, starters.train)
      },
      buildNative: async () => {
        code = await buildNativeCommand(host)
      },
      bench: async (collective, flags) => {
        code = await benchCommand(collective, flags, host, starters.bench)
      },
    })
    return code
  } catch (thrown) {
    const error = asKaitianError(thrown)
    host.err.write(errorLine(error))
    return error.code === 'INTERNAL' ? EXIT.failed : EXIT.refused
  }
}
