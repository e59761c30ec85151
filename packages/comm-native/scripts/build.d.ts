export { progressOn } from './progress.js'

export interface BuildOptions {
  /** Into the package, for other machines of this kind. */
  readonly prebuild?: boolean
  readonly log: (line: string) => void
  /** Files compiled so far, and all of them. */
  readonly progress: (done: number, total: number) => void
}

export type BuildResult =
  | { readonly outcome: 'current' | 'built'; readonly addon: string }
  | {
      readonly outcome: 'failed'
      readonly reason: string
      /** What runs without it, as a clause. */
      readonly instead: string
      /** node-gyp's, when it ran. */
      readonly output?: string
    }

/** Builds the native core for the Node.js that runs this, unless that was done. */
export function buildNative(options: BuildOptions): Promise<BuildResult>

/** The last lines of a compiler's output: where it stopped. */
export function endOfOutput(output: string): string
