export {
  solve,
  trySolve,
  makespan,
  shardCount,
  type Deal,
  type SolverDevice,
  type Split,
} from './solver.js'
export {
  observeTime,
  timeOf,
  modelOf,
  standardError,
  type Estimate,
  type Measurement,
  type Model,
} from './estimator.js'
export type { Shape } from './shape.js'
export type { Demand, DeviceInfo, Plan, Quotas, ShardRun } from './plan.js'
export type { Basis, BasisDevice } from './basis.js'
export {
  createController,
  observe,
  plan,
  withMembers,
  type ControllerOptions,
  type ControllerState,
  type TimeReport,
} from './controller.js'
export {
  SchedulerProtocol,
  type MembersMessage,
  type ObserveMessage,
  type PlanReply,
  type PlanRequest,
} from './protocol.js'
export { Scheduler } from './actor.js'
export {
  parseWorld,
  readWorld,
  ownWorlds,
  type World,
  type WorldDevice,
  type WorldEvent,
} from './world.js'
export { simulate, type WorldStep } from './simulation.js'
export { controllerPolicy, judge, type Policy, type PolicyDevice, type Verdict } from './judge.js'
