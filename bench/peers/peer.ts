import type { Contestant } from './contestant.js'
import { LineProcess } from './line-process.js'

/** What is known about a peer before it runs. */
export interface Identity {
  readonly name: string
  readonly ranks: number
}

/** Starts a program that speaks as `request.h` says, and waits until it is ready. */
export async function startPeer(
  { name, ranks }: Identity,
  command: string,
  args: readonly string[],
): Promise<Contestant> {
  const program = new LineProcess(name, command, args)
  try {
    const { version } = (await program.read()) as { version: string }
    return {
      name,
      ranks,
      version,
      async measure(bytes, iterations) {
        const { us } = (await program.ask({ bytes, iterations })) as { us: readonly number[] }
        return us
      },
      close: () => program.close(),
    }
  } catch (error) {
    await program.close()
    throw error
  }
}
