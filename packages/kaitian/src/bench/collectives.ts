import type { Data, DType, Membership, Op } from '@kaitian/comm-native'

/** A buffer's extent: the whole size, or one rank's equal piece of it. */
export type Extent = 'whole' | 'piece'

/** One rank's call, ready to be made again and again. */
export interface CallParts {
  readonly send: Data
  readonly recv: Data
  readonly op: Op
  readonly dtype: DType
  readonly root: number
}

/** A stretch of a rank's result: whose elements it holds, and from where on. */
export interface Stretch {
  /** First element, in the result. */
  readonly at: number
  readonly length: number
  /** The rank whose elements they are, or all ranks', combined. */
  readonly of: number | 'all'
  /** First element, in what was sent. */
  readonly from: number
}

/** Where a rank sits, and how much is moved. */
export interface Seat {
  readonly rank: number
  readonly ranks: number
  readonly root: number
  /** Elements of the whole. */
  readonly count: number
}

/** How a collective is called, measured and checked. */
export interface Collective {
  readonly reduces: boolean
  readonly rooted: boolean
  readonly sends: Extent
  readonly receives: Extent
  /** False where the call knows one buffer only. */
  readonly outOfPlace: boolean
  /** busbw ÷ algbw: what the busiest link carries, as nccl-tests counts it. */
  readonly busFactor: (ranks: number) => number
  readonly prepare: (member: Membership, parts: CallParts) => () => Promise<void>
  /** What this rank is to hold afterwards. */
  readonly result: (seat: Seat) => readonly Stretch[]
}

/** Others' pieces, of all pieces. */
const others = (ranks: number): number => (ranks - 1) / ranks

const reduction = { reduces: true, sends: 'whole', receives: 'whole', outOfPlace: true } as const

/**
 * What `kaitian bench` offers. Factors after nccl-tests, doc/PERFORMANCE.md:
 * https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md
 */
export const COLLECTIVES = {
  allreduce: {
    ...reduction,
    rooted: false,
    busFactor: (ranks) => 2 * others(ranks),
    prepare: (member, { send, recv, op, dtype }) => {
      const call = { send, recv, op, dtype }
      return () => member.allreduce(call)
    },
    result: ({ count }) => [{ at: 0, length: count, of: 'all', from: 0 }],
  },
  reduce: {
    ...reduction,
    rooted: true,
    busFactor: () => 1,
    prepare: (member, call) => () => member.reduce(call),
    result: ({ rank, root, count }) =>
      rank === root ? [{ at: 0, length: count, of: 'all', from: 0 }] : [],
  },
  broadcast: {
    reduces: false,
    rooted: true,
    sends: 'whole',
    receives: 'whole',
    outOfPlace: false,
    busFactor: () => 1,
    prepare: (member, { recv, dtype, root }) => {
      const call = { data: recv, dtype, root }
      return () => member.broadcast(call)
    },
    result: ({ root, count }) => [{ at: 0, length: count, of: root, from: 0 }],
  },
  allgather: {
    reduces: false,
    rooted: false,
    sends: 'piece',
    receives: 'whole',
    outOfPlace: true,
    busFactor: others,
    prepare: (member, { send, recv, dtype }) => {
      const call = { send, recv, dtype }
      return () => member.allgather(call)
    },
    result: (seat) => piecesOf(seat, () => 0),
  },
  'reduce-scatter': {
    ...reduction,
    rooted: false,
    receives: 'piece',
    busFactor: others,
    prepare: (member, { send, recv, op, dtype }) => {
      const call = { send, recv, op, dtype }
      return () => member.reduceScatter(call)
    },
    result: ({ rank, ranks, count }) => {
      const length = count / ranks
      return [{ at: 0, length, of: 'all', from: rank * length }]
    },
  },
  'all-to-all': {
    reduces: false,
    rooted: false,
    sends: 'whole',
    receives: 'whole',
    outOfPlace: true,
    busFactor: others,
    prepare: (member, { send, recv, dtype }) => {
      const call = { send, recv, dtype }
      return () => member.allToAll(call)
    },
    result: (seat) => piecesOf(seat, (piece) => seat.rank * piece),
  },
} satisfies Record<string, Collective>

export type CollectiveName = keyof typeof COLLECTIVES

export const COLLECTIVE_NAMES = Object.keys(COLLECTIVES) as readonly CollectiveName[]

export function collectiveOf(name: CollectiveName): Collective {
  return COLLECTIVES[name]
}

/** Whether the size is divided among the ranks. */
export function hasPieces(name: CollectiveName): boolean {
  const { sends, receives } = COLLECTIVES[name]
  return sends === 'piece' || receives === 'piece' || name === 'all-to-all'
}

/** One piece from each rank, in rank order. */
function piecesOf({ ranks, count }: Seat, from: (piece: number) => number): Stretch[] {
  const length = count / ranks
  return Array.from({ length: ranks }, (_, rank) => ({
    at: rank * length,
    length,
    of: rank,
    from: from(length),
  }))
}
