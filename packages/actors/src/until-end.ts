/**
 * Settles as `work` does; an end that comes first resolves it too. What hangs must not hold up who
 * waits for the end.
 *
 * @param atEnd calls back at the end, or at once when it has come; returns what takes that back
 */
export function untilEnd(
  work: Promise<void>,
  atEnd: (ended: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = atEnd(resolve)
    void Promise.resolve(work).then(resolve, reject).finally(forget)
  })
}
