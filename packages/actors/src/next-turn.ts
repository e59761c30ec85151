/** One turn of the event loop: all microtasks have run, chained ones included. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
