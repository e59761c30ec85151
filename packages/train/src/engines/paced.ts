import type { Clock } from '@kaitian/actors'
import type { Batch, BatchResult, Engine } from './engine.js'
import { paceMs, paceOf, type Pace } from './pace.js'

export type { Pace } from './pace.js'

/**
 * A real engine at the pace of a slower device: a step takes max(its own
 * compute, alphaMs + betaMs × samples). All `ready` calls are held back until
 * that time is over, so reduction never overlaps with time that was only waited.
 * Evaluation is not paced. Throws BAD_CONFIG for a pace that is no time.
 */
export function paced(engine: Engine, options: Pace & { readonly clock: Clock }): PacedEngine {
  return new PacedEngine(engine, paceOf({ ...options }), options.clock)
}

export class PacedEngine implements Engine {
  readonly name: string
  readonly description: string
  /** What the last gradient cost the engine itself, without the waiting. */
  lastOwnComputeMs = 0
  private readonly engine: Engine
  private readonly pace: Pace
  private readonly clock: Clock

  constructor(engine: Engine, pace: Pace, clock: Clock) {
    this.engine = engine
    this.pace = pace
    this.clock = clock
    this.name = engine.name
    this.description = `${engine.description}, paced to ${pace.alphaMs} ms + ${pace.betaMs} ms a sample`
  }

  load(parameters: Float32Array): void | Promise<void> {
    return this.engine.load(parameters)
  }

  async gradient(
    batch: Batch,
    into: Float32Array,
    ready: (from: number) => void,
  ): Promise<BatchResult> {
    const start = this.clock.now()
    const marks: number[] = []
    const result = await this.engine.gradient(batch, into, (from) => marks.push(from))
    this.lastOwnComputeMs = this.clock.now() - start
    const left = paceMs(this.pace, batch.count) - this.lastOwnComputeMs
    if (left > 0) await this.clock.sleep(left)
    for (const from of marks) ready(from)
    return result
  }

  evaluate(batch: Batch): BatchResult | Promise<BatchResult> {
    return this.engine.evaluate(batch)
  }

  dispose(): void | Promise<void> {
    return this.engine.dispose()
  }
}
