import { ask, flow, protocol, tell, type Context, type Handlers, type Ref } from '@kaitian/actors'
import { pbkdf2Sync } from 'node:crypto'
import { loadStuck } from './stuck.js'

const EchoProtocol = protocol({ echo: ask<number, number>() })

export const VictimProtocol = protocol({
  ...EchoProtocol,
  pid: ask<void, number>(),
  /** Awaits; does not listen to its signal. */
  sleep: ask<number>(),
  /** A loop in JavaScript that never gives way. */
  spin: ask(),
  /** A wait in native code that ends with the abort word. */
  wait: ask(),
  /** Native code that polls the abort word. */
  poll: ask<string>(),
  /** Native code that hears nothing: in a process only. */
  ignore: ask<string>(),
  hash: ask(),
  relay: ask<{ to: Ref<typeof EchoProtocol>; n: number }, number>(),
  note: tell<number>(),
  count: flow<void, number>(),
  exit: tell<number>(),
  crash: tell(),
})

export interface VictimArgs {
  /** Milliseconds that `start` and `stop` take. */
  startMs: number
  stopMs: number
}

/** Does what is hard to kill. */
export class Victim implements Handlers<typeof VictimProtocol> {
  static readonly protocol = VictimProtocol
  readonly #args: VictimArgs

  constructor(args: VictimArgs) {
    this.#args = args
  }

  async start({ clock }: Context): Promise<void> {
    if (this.#args.startMs > 0) await clock.sleep(this.#args.startMs)
  }

  async stop({ clock }: Context): Promise<void> {
    if (this.#args.stopMs > 0) await clock.sleep(this.#args.stopMs)
  }

  echo(n: number): number {
    return n
  }

  pid(): number {
    return process.pid
  }

  sleep(ms: number, { clock }: Context): Promise<void> {
    return clock.sleep(ms)
  }

  spin(): void {
    for (;;);
  }

  wait(_: void, { abortWord }: Context): void {
    Atomics.wait(abortWord, 0, 0)
  }

  poll(addon: string, { abortWord }: Context): void {
    loadStuck(addon).untilAbort(abortWord)
  }

  ignore(addon: string): void {
    loadStuck(addon).forever()
  }

  hash(): void {
    pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512')
  }

  relay({ to, n }: { to: Ref<typeof EchoProtocol>; n: number }): Promise<number> {
    return to.ask.echo(n)
  }

  note(): void {}

  async *count(_: void, { clock, signal }: Context): AsyncGenerator<number> {
    for (let n = 0; ; n++) {
      yield n
      await clock.sleep(1, signal)
    }
  }

  exit(code: number): void {
    process.exit(code)
  }

  crash(): void {
    setImmediate(() => {
      throw new RangeError('outside any handler')
    })
  }
}
