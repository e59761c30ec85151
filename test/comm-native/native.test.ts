import { loadBackend } from '@kaitian/comm-native'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { conformance, whenNative } from './conformance.js'
import { rejection } from './ranks.js'

whenNative(() => {
  conformance('native')
  // The fallback has no calls.
  const test = suite('buckets and calls of one communicator')
  test('C4 a failure of call 0 is not taken for bucket 0’s own', callBesideBucket)
  test.run()
})

async function callBesideBucket(): Promise<void> {
  const backend = loadBackend('native')
  const context = backend.openContext({ vendor: 'cpu', ordinal: 0 })
  const members = ['cpu:0', 'cpu:1']
  const regions = members.map((name) => ({ f32: context.allocate(name, 64) }))
  const options = { generation: 1, members, regions, deadlineMs: 40 }
  const communicator = backend.createCommunicator(options)
  const member = backend.joinCommunicator(communicator.ticket, 0)
  const call = rejection(member.barrier())
  const operation = { op: 'sum', dtype: 'f32', count: 16, offset: 0 } as const
  const bucket = rejection(communicator.allreduce({ ...operation, sequence: 0, generation: 1 }))
  assert.is((await call).code, 'DEADLINE_EXCEEDED')
  assert.is((await call).fields['operation'], 'call')
  assert.match((await call).message, /take part in call 0 within/)
  assert.is((await bucket).code, 'COMMUNICATOR_ABORTED')
  assert.is((await bucket).fields['cause'], (await call).message)
  member.leave()
  await communicator.dispose()
  context.dispose()
}
