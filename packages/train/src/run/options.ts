export const POLICIES = ['adaptive', 'even'] as const
export const BACKENDS = ['auto', 'native', 'typescript'] as const
export const BRIDGES = ['auto', 'memory', 'tcp'] as const

/** What a user asks of a run: plain data, checked at the door (see schema.ts), before anything starts. */
export interface TrainOptions {
  /** URL of the user's task module (`file:` URL). */
  readonly task: string
  /** URL of the module of a loop (`file:` URL). Default: the built-in one, which trains for the epochs. */
  readonly loop?: string
  /** Default: one group of as many devices as the machine and the batch have room for. */
  readonly groups?: readonly GroupOptions[]
  /** Default: the task's. */
  readonly epochs?: number
  /** Global batch B, samples. Default: the task's. */
  readonly batch?: number
  /** Shard m, samples. Default: the task's. */
  readonly shard?: number
  readonly seed?: number
  /** Folder of the data set; without it the task's embedded default. */
  readonly data?: string
  /** int64 accumulation: the same bits for any split, schedule or failure. */
  readonly deterministic?: boolean
  readonly policy?: (typeof POLICIES)[number]
  /** Stop after this many committed steps, in mid-epoch if need be. */
  readonly maxSteps?: number
  /** Evaluate over the whole test set after each epoch (default true). */
  readonly evaluate?: boolean
  /** The one deadline budget, ms; every timeout derives from it. */
  readonly deadlineMs?: number
  /** Which implementation of the collectives: `auto` takes the native one when it is there. */
  readonly backend?: (typeof BACKENDS)[number]
  /**
   * How groups reduce: `memory` within this process, `tcp` over the bridge's links as between
   * hosts, with the same bits. Default `auto`: memory, as all groups of a run are in one process,
   * unless ports are given.
   */
  readonly bridge?: (typeof BRIDGES)[number]
  /** Cluster secret of the bridges; default: a fresh random one for each run. */
  readonly secret?: string
  /** TCP port of each group's bridge by group name; default: any free one. */
  readonly ports?: Readonly<Record<string, number>>
  /** Writes a run record (docs/run-record.md) for the independent checker. */
  readonly record?: RecordOptions
  /** safetensors file to start from, instead of `initialWeights`. */
  readonly weights?: string
  /** safetensors file to write the final weights to. */
  readonly save?: string
}

export interface GroupOptions {
  readonly name: string
  readonly engine: string
  /** `vendor:ordinal` of each device, unique in the run. */
  readonly devices: readonly string[]
  /** Shapes the pace: time of a step = max(own compute, alphaMs + betaMs·samples). Simulates speed, not results. */
  readonly pace?: Pace
  /** Engine-specific settings. */
  readonly settings?: Readonly<Record<string, unknown>>
}

export interface Pace {
  readonly alphaMs: number
  readonly betaMs: number
}

export interface RecordOptions {
  readonly folder: string
  /** Every how many steps a step's tensors are recorded in full; 0: never. */
  readonly sampleEvery: number
}
