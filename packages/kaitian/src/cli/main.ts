import { readFileSync } from 'node:fs'
import { train } from '../training/train.js'
import { asKaitianError, errorLine, EXIT } from './exit.js'
import { processHost, type Host } from './host.js'
import { runProgram } from './program.js'
import { trainCommand, type StartTraining } from './train-command.js'

/** The `kaitian` command. Ends the process, so that nothing can be left running. */
export async function main(argv: readonly string[]): Promise<never> {
  process.exit(await runCommandLine(argv.slice(2), processHost(), train))
}

/** Answers with the exit code. */
export async function runCommandLine(
  words: readonly string[],
  host: Host,
  startTraining: StartTraining,
): Promise<number> {
  let code: number = EXIT.ok
  try {
    await runProgram(words, {
      version: version(),
      write: (text) => host.out.write(text),
      train: async (task, flags) => {
        code = await trainCommand(task, flags, host, startTraining)
      },
    })
    return code
  } catch (thrown) {
    const error = asKaitianError(thrown)
    host.err.write(errorLine(error))
    return error.code === 'INTERNAL' ? EXIT.failed : EXIT.refused
  }
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
