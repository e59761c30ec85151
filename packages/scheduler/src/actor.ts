import type { Handlers } from '@kaitian/actors'
import {
  createController,
  observe,
  plan,
  withMembers,
  type ControllerOptions,
  type ControllerState,
} from './controller.js'
import {
  SchedulerProtocol,
  type MembersMessage,
  type ObserveMessage,
  type PlanReply,
  type PlanRequest,
} from './protocol.js'

/** The controller as an actor: it holds the state between messages and decides nothing itself. */
export class Scheduler implements Handlers<typeof SchedulerProtocol> {
  static readonly protocol = SchedulerProtocol
  #state: ControllerState

  /** Throws BAD_CONFIG for an unknown policy. */
  constructor(options: ControllerOptions = {}) {
    this.#state = createController(options)
  }

  plan(request: PlanRequest): PlanReply {
    const next = plan(this.#state, request)
    this.#state = next.state
    return next.plan
  }

  observe({ times }: ObserveMessage): void {
    this.#state = observe(this.#state, times)
  }

  members({ devices }: MembersMessage): void {
    this.#state = withMembers(this.#state, devices)
  }
}
