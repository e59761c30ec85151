import {
  loadBackend,
  type Communicator,
  type Membership,
  type Signature,
} from '@kaitian/comm-native'

/** What a program under test is given on its command line. */
export const implementation = process.argv[2] as 'native' | 'typescript'

export const signature = (sequence: number): Signature => ({
  sequence,
  op: 'sum',
  dtype: 'f32',
  count: 16,
  offset: 0,
  generation: 1,
})

/** One rank and its leader in the main thread. */
export function open(deadlineMs: number): { communicator: Communicator; membership: Membership } {
  const backend = loadBackend(implementation)
  const context = backend.openContext({ vendor: 'cpu', ordinal: 0 })
  const communicator = backend.createCommunicator({
    generation: 1,
    members: ['cpu:0'],
    regions: [{ f32: context.allocate('gradient', 64) }],
    deadlineMs,
  })
  return { communicator, membership: backend.joinCommunicator(communicator.ticket, 0) }
}
