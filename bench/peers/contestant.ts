/** Who takes part in a measurement of collectives, running until it is closed. */
export interface Contestant {
  readonly name: string
  readonly ranks: number
  /** What it was built with or belongs to. */
  readonly version: string
  /**
   * What each of so many sums of float32, in place, took in microseconds. For each one every rank
   * fills its whole buffer with new values, all meet at a barrier, and rank 0's clock runs from the
   * moment after the barrier until the call has returned on rank 0. The last sum is verified on
   * every rank; a wrong one rejects.
   */
  measure(bytes: number, iterations: number): Promise<readonly number[]>
  close(): Promise<void>
}

/** One that cannot take part here. */
export interface Skipped {
  readonly name: string
  /** What is missing, and how to get it. */
  readonly reason: string
}
