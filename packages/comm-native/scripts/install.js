// What npm runs when the package is installed: nothing where the binary that it brought loads;
// else it builds. It never fails the installation, for the package works without.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildNative, loadFailure } from './build.js'
import { platformName, prebuilt } from './layout.js'
import { progressOn } from './progress.js'

function say(sentence) {
  console.log(`@kaitian/comm-native: ${sentence}`)
}

async function build(why) {
  say(`${why}: building it`)
  const { outcome, reason, instead } = await buildNative({
    log: say,
    progress: progressOn(process.stdout),
  })
  if (outcome !== 'failed') return say('the native core was built and loads')
  say(
    `the native core was not built (${reason}): ${instead}; 'npx kaitian build-native' tries again`,
  )
}

async function main() {
  // A checkout, not a package: it has a build of its own.
  if (existsSync(fileURLToPath(new URL('../tsconfig.json', import.meta.url)))) return
  const addon = prebuilt()
  const place = `Node.js ABI ${process.versions.modules} on ${platformName()}`
  if (!existsSync(addon)) return build(`no native core for ${place} comes with the package`)
  const failure = loadFailure(addon)
  if (failure === undefined) say(`the native core for ${place} loads`)
  else await build(`the native core for ${place} does not load (${failure})`)
}

try {
  await main()
} catch (error) {
  say(`the native core was not built: ${error.message}`)
}
