/** Milliseconds on a clock that never goes back: the native core's steady clock, in TypeScript. */
export type Now = () => number

export const monotonic: Now = () => performance.now()
