import type { Ref } from '@kaitian/actors'
import type { SchedulerProtocol } from '@kaitian/scheduler'
import type { ShardFeed } from '../data/feed.js'
import type { Journal } from '../record/journal.js'
import type { TrainEvents } from '../run/events.js'
import type { RunSettings } from '../run/settings.js'
import type { DataSetFacts } from './ready.js'

/** What a trainer is given; not cloneable, so it lives in its spawner's thread. */
export interface TrainerArgs {
  readonly settings: RunSettings
  /** f32 [stateSize] in shared memory. */
  readonly initial: Float32Array
  readonly journal: Journal
  readonly feeds: { readonly train: ShardFeed; readonly test: ShardFeed }
  readonly dataSet: DataSetFacts
  readonly scheduler: Ref<typeof SchedulerProtocol>
  readonly placement: 'thread' | 'inline'
  readonly emit: <Name extends keyof TrainEvents>(name: Name, payload: TrainEvents[Name]) => void
}
