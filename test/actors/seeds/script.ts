import type { Overflow, RestartOptions, StopLimits, Strategy } from '@kaitian/actors'

// What a run does, as plain data: it is printed when it fails, and cut down to what it takes to fail.

/** What a message asks of its receiver. */
export interface Errand {
  /** Which of the refs that the sender knows go along; counted round. */
  refs: number[]
  deeds: Deed[]
  /** Of a flow: how many items, and how long each takes. */
  items?: number
  itemMs?: number
  /** What cannot be cloned is put into the message, or the answer. */
  junk?: 'message' | 'answer'
}

/** When an asker gives up. */
export interface Limits {
  timeoutMs?: number
  /** `before`: the signal has aborted when it asks. */
  abort?: 'before' | number
}

/** To whom, as a number among the refs that the sender knows; counted round. */
type To = { to: number }

/** What is done to who was asked, as soon as the answer is there: more of what it sent may be on its way. */
export type Aftermath = 'restart' | 'kill' | 'stop'

/** What both actors and the test do to actors. */
export type Act =
  | (To & { do: 'tell'; errand: Errand; times: number })
  | (To & { do: 'ask'; errand: Errand; limits: Limits; wait: boolean; after?: Aftermath })
  /** Takes so many items of a flow and breaks off; all, unless told. */
  | (To & { do: 'consume'; errand: Errand; limits: Limits; credit: number; take?: number })
  | (To & { do: 'room' })
  | (To & { do: 'watch'; unwatchMs?: number; deeds: Deed[] })
  | (To & { do: 'stop'; drain: boolean; timeoutMs?: number })
  | (To & { do: 'kill'; restart: boolean })

/** What an actor does in a turn. */
export type Deed =
  | Act
  /** A microtask, or some time; `deaf`: it goes on in spite of an end. */
  | { do: 'pause' }
  | { do: 'sleep'; ms: number; deaf: boolean }
  /** Until its incarnation ends; `deaf`: for ever. */
  | { do: 'hold'; deaf: boolean }
  /** Only in the first lives of an actor, so that restarts come to an end. */
  | { do: 'throw'; what: 'answer' | 'fault' }
  /** `caught`: what that throws is caught, and the turn goes on. */
  | { do: 'stash'; caught: boolean }
  /** The answer to an ask is given so much later; `never`: not by itself. */
  | { do: 'defer'; ms: number; how: 'reply' | 'answer' | 'fault' | 'never' }
  | { do: 'unstash' }
  | { do: 'after'; ms: number; deeds: Deed[]; cancelMs?: number }
  | { do: 'every'; ms: number; times: number; deeds: Deed[] }
  | { do: 'own'; ms: number; fails: boolean; holds: boolean }
  | { do: 'spawn'; child: Child }
  | {
      do: 'supervise'
      name: string
      strategy: Strategy
      restart: RestartOptions
      children: Child[]
    }

export type Where = 'inline' | 'thread' | 'process'

export interface Child {
  name: string
  on: Where
  mailbox?: { capacity: number; overflow: Overflow }
  restart?: RestartOptions
  stop?: StopLimits
  /** Which of its lives fail there. */
  fails: { constructor: number[]; start: number[]; stop: number[] }
  atStart: Deed[]
  atStop: Deed[]
}

export type Fault = 'crash' | 'exit' | 'stall' | 'dropNext' | 'delay' | 'hang'

export type Step =
  | Act
  /** `slot` is the number of the ref; `under`: spawned by that actor; `group`: in that group. */
  | { do: 'spawn'; slot: number; under?: number; group?: number; child: Child }
  | { do: 'supervise'; group: number; strategy: Strategy; restart: RestartOptions }
  | { do: 'stopGroup'; group: number }
  /** `amount`: how many, or how many milliseconds. */
  | { do: 'fault'; to: number; fault: Fault; amount: number }
  | { do: 'look' }
  | { do: 'advance'; ms: number }
  /** Ends the run: at rest, or in the middle of it. */
  | { do: 'dispose'; atRest: boolean; timeoutMs?: number }
