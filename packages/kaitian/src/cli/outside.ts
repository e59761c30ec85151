import { adviceOf } from '@kaitian/train'
import { EXIT, errorLine, type Signal } from './exit.js'
import type { Host, Loss } from './host.js'

// What can come over the command from outside while it works, and what it does then.
//
// | what                                    | the run                          | exit code       |
// | --------------------------------------- | -------------------------------- | --------------- |
// | SIGINT, SIGTERM, SIGHUP                 | stops in good order, saves       | 130, 143, 129   |
// | a second of them                        | ends at once                     | by that signal  |
// | SIGHUP under nohup                      | goes on                          | its own         |
// | stdout: nobody reads any more (EPIPE)   | stops in good order, saves       | 141             |
// | stdout: its disk is full, its terminal  | goes on; a line on stderr        | 1 when the run  |
// |   gone, or anything else                |                                  |   itself is well|
// | stderr is lost in whatever way          | goes on; without --json a line   | its own         |
// |                                         |   on stdout                      |                 |
//
// Every other signal does what it always does: SIGTSTP suspends, SIGQUIT dumps core. Nothing is
// read from stdin. SIGPIPE and SIGXFSZ are ignored by Node.js: writing then fails instead.

/** What asks a run to end before its time. */
export type Interruption =
  | { readonly kind: 'signal'; readonly signal: Signal }
  | { readonly kind: 'output closed' }

/** Whoever closes a pipe has seen enough; nobody wanted a disk to be full. */
function asksToStop({ output, code }: Loss): boolean {
  return output === 'stdout' && code === 'EPIPE'
}

/** Listens to what comes from outside, until it is disposed of. */
export class Outside implements Disposable {
  /** The first that asks for an end. */
  readonly interrupted: Promise<Interruption>
  /** A signal after that. */
  readonly again: Promise<Signal>
  readonly #release: (() => void)[]

  /** @param json stdout is for machines: what people should know goes to stderr alone */
  constructor(host: Host, { json = false }: { json?: boolean | undefined } = {}) {
    let interrupt!: (how: Interruption) => void
    let repeat!: (signal: Signal) => void
    let isInterrupted = false
    this.interrupted = new Promise((resolve) => {
      interrupt = (how) => {
        isInterrupted = true
        resolve(how)
      }
    })
    this.again = new Promise((resolve) => (repeat = resolve))
    this.#release = [
      host.onSignal((signal) => {
        if (isInterrupted) repeat(signal)
        else interrupt({ kind: 'signal', signal })
      }),
      host.onLoss((loss) => {
        if (asksToStop(loss)) return interrupt({ kind: 'output closed' })
        const remaining = loss.output === 'stdout' ? host.err : json ? undefined : host.out
        remaining?.write(errorLine({ code: 'OUTPUT_LOST', message: describeLoss(loss) }))
      }),
    ]
  }

  [Symbol.dispose](): void {
    for (const release of this.#release) release()
  }
}

/** The exit code once all output is out, or is known not to be. */
export async function settledCode(code: number, host: Host): Promise<number> {
  await host.flush()
  if (code !== EXIT.ok || host.lost.stdout === undefined) return code
  return asksToStop(host.lost.stdout) ? EXIT.outputClosed : EXIT.failed
}

function describeLoss({ output, code }: Loss): string {
  const why =
    code === 'EIO'
      ? 'its terminal or disk is gone'
      : code === 'EPIPE'
        ? 'nobody reads it'
        : adviceOf(code, output)
  return `${output} can no longer be written to: ${why ?? code}. The run goes on without it.`
}
