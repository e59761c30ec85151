// Checked by the compiler alone: each `@ts-expect-error` line must be an error.
import {
  ask,
  protocol,
  tell,
  type Context,
  type Handlers,
  type Ref,
  type System,
} from '@kaitian/actors'

const Echo = protocol({
  double: ask<{ x: number }, { y: number }>(),
  ping: ask(),
  note: tell<{ text: string }>(),
})

class EchoActor implements Handlers<typeof Echo> {
  static readonly protocol = Echo
  readonly args: { offset: number }
  constructor(args: { offset: number }) {
    this.args = args
  }
  start(ctx: Context<typeof Echo>): void {
    ctx.self.tell.note({ text: 'started' })
  }
  double({ x }: { x: number }): { y: number } {
    return { y: 2 * x + this.args.offset }
  }
  async ping(): Promise<void> {}
  note(): void {}
}

// @ts-expect-error a handler is missing
export class Incomplete implements Handlers<typeof Echo> {
  double({ x }: { x: number }): { y: number } {
    return { y: x }
  }
  ping(): void {}
}

export class WrongReply implements Handlers<typeof Echo> {
  // @ts-expect-error the reply has the wrong type
  double(): string {
    return ''
  }
  ping(): void {}
  note(): void {}
}

export async function correct(system: System): Promise<number> {
  const echo: Ref<typeof Echo> = await system.spawn(EchoActor, { offset: 1 })
  await echo.ask.ping()
  await echo.ask.ping(undefined, { timeoutMs: 10 })
  const outcome: 'queued' | 'rejected' = echo.tell.note({ text: outcome0 })
  system.watch(echo, (down) => down.reason satisfies string)
  const { y } = await echo.ask.double({ x: 1 })
  return outcome === 'queued' ? y : 0
}
const outcome0 = 'a'

export async function wrong(system: System): Promise<void> {
  // @ts-expect-error the constructor's argument has the wrong type
  const echo = await system.spawn(EchoActor, { offset: 'one' })
  // @ts-expect-error an ask is not a tell
  echo.tell.double({ x: 1 })
  // @ts-expect-error a tell is not an ask
  await echo.ask.note({ text: 'a' })
  // @ts-expect-error no such message
  await echo.ask.triple({ x: 1 })
  // @ts-expect-error the payload has the wrong type
  await echo.ask.double({ x: 'one' })
  // @ts-expect-error the payload is missing
  await echo.ask.double()
  // @ts-expect-error the payload has a field too many
  echo.tell.note({ text: 'a', loud: true })
  const reply = await echo.ask.double({ x: 1 })
  // @ts-expect-error the reply has no such field
  void reply.z
  // @ts-expect-error a class without a protocol is not an actor
  await system.spawn(class Plain extends Date {}, undefined)
  // @ts-expect-error an unknown overflow policy
  await system.spawn(EchoActor, { offset: 1 }, { mailbox: { overflow: 'explode' } })
  // @ts-expect-error a thread is named by a URL
  await system.spawn(EchoActor, { offset: 1 }, { on: { thread: './echo.js' } })
  const other: Ref<typeof Other> = await spawnOther(system)
  // @ts-expect-error refs of different protocols do not mix
  const mixed: Ref<typeof Echo> = other
  void mixed
}

const Other = protocol({ other: tell<void>() })
declare function spawnOther(system: System): Promise<Ref<typeof Other>>

protocol({
  // @ts-expect-error a protocol holds asks and tells
  bad: 1,
})
