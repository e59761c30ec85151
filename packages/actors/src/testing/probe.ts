import { KaitianError } from '@kaitian/errors'
import type { ActorClass, Protocol } from '../api/protocol.js'
import type { Ref } from '../api/ref.js'
import { deferred } from '../deferred.js'

/** A message that a probe got. */
export interface Received {
  readonly message: string
  readonly payload: unknown
  /** Answers an ask; a tell needs no answer. */
  reply(value: unknown): void
  /** Answers an ask with an error; no effect on a tell. */
  refuse(error: KaitianError): void
}

/** An actor that a test plays itself: stands in for what the actor under test talks to. */
export interface Probe<P extends Protocol> {
  readonly ref: Ref<P>
  /** All it got, oldest first. */
  readonly received: readonly Received[]
  /**
   * The oldest message not yet looked at, which must be called `message`, when the system has come to
   * rest. Throws `BAD_ARGUMENT` when there is none, or another one.
   */
  expect(message: keyof P & string): Promise<Received>
  /** Throws when there is one. */
  expectNothing(): Promise<void>
}

/** The class of a probe: a handler for each message that waits for the test to answer it. */
export function probeClass<P extends Protocol>(
  protocol: P,
  received: Received[],
): ActorClass<P, undefined> {
  const probe = function () {}
  Object.defineProperty(probe, 'name', { value: 'Probe' })
  Object.assign(probe, { protocol })
  for (const [name, { kind }] of Object.entries(protocol)) {
    if (kind === 'flow') continue
    Object.defineProperty(probe.prototype, name, {
      value: (payload: unknown) => {
        const answer = deferred<unknown>()
        received.push({ message: name, payload, reply: answer.resolve, refuse: answer.reject })
        // Nobody waits for that of a tell.
        answer.promise.catch(() => undefined)
        return kind === 'ask' ? answer.promise : undefined
      },
    })
  }
  return probe as unknown as ActorClass<P, undefined>
}

export class TestProbe<P extends Protocol> implements Probe<P> {
  readonly ref: Ref<P>
  readonly received: readonly Received[]
  readonly #settle: () => Promise<void>
  #seen = 0

  constructor(ref: Ref<P>, received: readonly Received[], settle: () => Promise<void>) {
    this.ref = ref
    this.received = received
    this.#settle = settle
  }

  async expect(message: keyof P & string): Promise<Received> {
    await this.#settle()
    const next = this.received[this.#seen]
    if (next?.message === message) {
      this.#seen++
      return next
    }
    const got = next === undefined ? 'nothing came' : `"${next.message}" came`
    throw new KaitianError('BAD_ARGUMENT', `${this.ref.path} expected "${message}", but ${got}`)
  }

  async expectNothing(): Promise<void> {
    await this.#settle()
    const next = this.received[this.#seen]
    if (next === undefined) return
    throw new KaitianError(
      'BAD_ARGUMENT',
      `${this.ref.path} expected nothing; "${next.message}" came`,
    )
  }
}
