import { KaitianError } from '@kaitian/errors'

/** A group, or a stranger who has not said which, has not opened a link in time. */
export function slow(group: string | undefined, deadlineMs: number): KaitianError {
  return new KaitianError(
    'DEADLINE_EXCEEDED',
    `Group "${group ?? 'unknown'}" opened no link within ${deadlineMs} ms; ` +
      'check that it runs and reaches this host, or raise the deadline.',
    { fields: { groups: [group ?? 'unknown'], deadlineMs } },
  )
}
