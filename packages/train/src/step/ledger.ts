import { KaitianError } from '@kaitian/errors'

/** The fixed numbers of a run that say which samples a step owns. */
export interface Dealing {
  /** N, samples of an epoch. */
  readonly samples: number
  /** B, global batch. */
  readonly batch: number
  /** m, samples of a shard. */
  readonly shard: number
}

/** Where the run stands: `cursor` samples of `epoch` are committed. */
export interface Ledger {
  readonly epoch: number
  readonly step: number
  readonly cursor: number
}

/** The samples that the next step owns: [cursor, cursor + size) of the epoch's permutation. */
export interface StepRange {
  readonly epoch: number
  readonly step: number
  readonly size: number
  readonly firstShard: number
  readonly shardCount: number
}

export const emptyLedger: Ledger = { epoch: 0, step: 0, cursor: 0 }

/** B is a whole number of shards, so every step but the last of an epoch is too. */
export function nextRange(dealing: Dealing, ledger: Ledger): StepRange {
  const size = Math.min(dealing.batch, dealing.samples - ledger.cursor)
  return {
    epoch: ledger.epoch,
    step: ledger.step,
    size,
    firstShard: ledger.cursor / dealing.shard,
    shardCount: Math.ceil(size / dealing.shard),
  }
}

/** Moves the cursor past a committed step; past the epoch's end it is the next epoch's start (T1). */
export function commitRange(dealing: Dealing, ledger: Ledger, range: StepRange): Ledger {
  const expected = nextRange(dealing, ledger)
  if (
    range.epoch !== expected.epoch ||
    range.step !== expected.step ||
    range.size !== expected.size
  ) {
    throw new KaitianError(
      'LEDGER_VIOLATION',
      `Step ${range.epoch}/${range.step} of ${range.size} samples is not what the ledger expects ` +
        `(${expected.epoch}/${expected.step} of ${expected.size}); this is a fault in Kaitian, please report it.`,
      { fields: { range, expected } },
    )
  }
  const cursor = ledger.cursor + range.size
  if (cursor === dealing.samples) return { epoch: ledger.epoch + 1, step: 0, cursor: 0 }
  return { epoch: ledger.epoch, step: ledger.step + 1, cursor }
}

export function stepsPerEpoch(dealing: Dealing): number {
  return Math.ceil(dealing.samples / dealing.batch)
}
