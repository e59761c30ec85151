import type { Clock } from '@kaitian/actors'
import * as assert from 'uvu/assert'

/** A clock that counts what is asked of it and can leap over what is due. */
export class LeapingClock implements Clock {
  time = 0
  armed = 0
  #waiting: { due: number; fn: () => void } | undefined

  now(): number {
    return this.time
  }

  running(): number {
    return this.time
  }

  wallTime(): Date {
    return new Date(this.time)
  }

  sleep(): Promise<void> {
    throw new Error('not needed')
  }

  get pending(): boolean {
    return this.#waiting !== undefined
  }

  after(ms: number, fn: () => void): () => void {
    assert.is(this.#waiting, undefined, 'armed twice')
    this.armed++
    const waiting = { due: this.time + ms, fn }
    this.#waiting = waiting
    return () => {
      if (this.#waiting === waiting) this.#waiting = undefined
    }
  }

  /** Moves on, and only then fires. */
  leapTo(time: number): void {
    this.time = time
    for (let left = this.#waiting; left !== undefined && left.due <= time; left = this.#waiting) {
      this.#waiting = undefined
      left.fn()
    }
  }
}
