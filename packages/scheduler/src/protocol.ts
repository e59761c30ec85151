import { ask, protocol, tell } from '@kaitian/actors'
import type { TimeReport } from './controller.js'
import type { Demand, DeviceInfo, Plan } from './plan.js'

/** Asks for the plan of one step. Asking again for the same step, after a failure, is fine. */
export interface PlanRequest extends Demand {
  readonly epoch: number
  readonly step: number
}

export type PlanReply = Plan

/** What a committed step took on each device; compute only, collectives and waits excluded. */
export interface ObserveMessage {
  readonly step: number
  readonly times: readonly TimeReport[]
}

/** The devices that are there from now on; reports of others are ignored. */
export interface MembersMessage {
  readonly devices: readonly DeviceInfo[]
}

export const SchedulerProtocol = protocol({
  plan: ask<PlanRequest, PlanReply>(),
  observe: tell<ObserveMessage>(),
  members: tell<MembersMessage>(),
})
