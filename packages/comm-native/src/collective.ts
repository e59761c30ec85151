/** In the order of the native core's enumeration. */
export const COLLECTIVES = [
  'allreduce',
  'reduce',
  'broadcast',
  'allgather',
  'reduceScatter',
  'allToAll',
  'gather',
  'scatter',
  'barrier',
  'sendRecv',
] as const

export type Collective = (typeof COLLECTIVES)[number]
