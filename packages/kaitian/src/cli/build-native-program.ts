import { buildNative, endOfOutput, progressOn } from '@kaitian/comm-native/build'
import { Command } from 'commander'
import { errorLine, EXIT } from './exit.js'
import type { Host } from './host.js'

/** `kaitian build-native`: for machines whose native core did not come with the package. */
export function buildNativeProgram(run: () => Promise<void>): Command {
  return new Command('build-native')
    .description('Build the native collectives for this Node.js, with a C++20 compiler')
    .action(run)
}

/** Answers with the exit code. */
export async function buildNativeCommand({ out, err }: Pick<Host, 'out' | 'err'>): Promise<number> {
  const line = (text: string): void => void out.write(`${text}\n`)
  const result = await buildNative({ log: line, progress: progressOn(out) })
  if (result.outcome !== 'failed') {
    line(`the native core ${result.outcome === 'built' ? 'was' : 'is'} built and loads`)
    return EXIT.ok
  }
  const { reason, instead, output } = result
  if (output !== undefined) err.write(`\n${endOfOutput(output)}\n`)
  const message = `The native core was not built: ${reason}. It needs a C++20 compiler, make and Python 3; until it is built, ${instead}.`
  err.write(errorLine({ code: 'NATIVE_BUILD_FAILED', message }))
  return EXIT.failed
}
