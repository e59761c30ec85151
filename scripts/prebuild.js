// Builds the native core that comes with @kaitian/comm-native: for this platform, once for each
// ABI of Node.js that is supported. Each is tried in its own Node.js before it counts.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fetchNode, NODES } from './nodes.js'
import { root } from './packages.js'

const build = join(root, 'packages/comm-native/scripts/build-native.js')

export function prebuild(versions = NODES) {
  for (const version of versions) {
    console.log(`native core for Node.js ${version}`)
    const { status } = spawnSync(fetchNode(version), [build, '--prebuild'], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`the native core for Node.js ${version} was not built`)
  }
}
