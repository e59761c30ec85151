import { isKaitianError, KaitianError, messageOf, toKaitianError } from '@kaitian/errors'

/** What a run failed of where it could not tell that itself, in words for who called `train`. */
export function failureOf(error: unknown): KaitianError {
  if (isShortOfFiles(error)) return tooManyFiles(error)
  if (isKaitianError(error) && error.code === 'THREAD_EXITED') return threadLost(error)
  return toKaitianError(error, 'INTERNAL', 'The run could not go on')
}

/** Whatever could not be opened: the reason is somewhere among the causes. */
function isShortOfFiles(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE') return true
    // A thread that could not even begin has only words for it.
    if (code === 'ERR_WORKER_INIT_FAILED' && /E[MN]FILE/.test(message)) return true
  }
  return false
}

function tooManyFiles(cause: unknown): KaitianError {
  return new KaitianError(
    'TOO_MANY_OPEN_FILES',
    'The run needs more open files than this process may have; raise the limit (ulimit -n 4096) or use fewer devices.',
    { cause },
  )
}

function threadLost({ cause: thrown, fields }: KaitianError): KaitianError {
  const { exitCode } = fields
  // Only of errors that are not ours it says so in between.
  const cause = isKaitianError(thrown) && thrown.code === 'INTERNAL' ? thrown.cause : thrown
  const how = cause === undefined ? `exit code ${String(exitCode)}` : messageOf(cause)
  return new KaitianError(
    'THREAD_EXITED',
    `The thread of the run ended before the run did (${how}). The task's own code runs in it: see whether that calls process.exit, throws where nobody catches, or runs out of memory.`,
    { cause, fields: { exitCode } },
  )
}
