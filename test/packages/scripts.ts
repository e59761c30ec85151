// The project's own scripts, which are plain JavaScript, with the types that they are used by here.

interface Packages {
  /** The tarballs of all packages that are published. */
  packInto(this: void, folder: string): string[]
  publicPackages(this: void): readonly { name: string; folder: string }[]
}

interface Nodes {
  readonly NODES: readonly string[]
  /** The program of that version. */
  fetchNode(this: void, version: string): string
}

interface Headers {
  chooseHeaders(
    this: void,
    node: { version: string; modules: string; execPath: string; env: NodeJS.ProcessEnv },
  ): { nodedir: string | undefined; passedOver: readonly string[] }
  withoutOtherTargets(this: void, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv
}

interface Prebuild {
  /** For all versions of Node.js unless told. */
  prebuild(this: void, versions?: readonly string[]): void
}

const root = '../../../scripts'
const native = '../../../packages/comm-native/scripts'

export const packages = (await import(`${root}/packages.js`)) as Packages
export const nodes = (await import(`${root}/nodes.js`)) as Nodes
export const prebuilds = (await import(`${root}/prebuild.js`)) as Prebuild
export const headers = (await import(`${native}/headers.js`)) as Headers
