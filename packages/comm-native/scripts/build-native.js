// Builds the native core when it is out of date.
//
//   node build-native.js              for this machine; never fails, for without it everything
//                                     runs on the TypeScript fallback, and one line says so
//   node build-native.js --prebuild   for the package: any machine of this kind can load it
import { buildNative, endOfOutput } from './build.js'
import { progressOn } from './progress.js'

const prebuild = process.argv.includes('--prebuild')
const result = await buildNative({
  prebuild,
  log: (line) => console.log(line),
  progress: progressOn(process.stdout),
})
if (result.outcome === 'failed') {
  if (result.output !== undefined) console.error(`\n${endOfOutput(result.output)}`)
  console.log(`native core not built (${result.reason}): ${result.instead}`)
  if (prebuild) process.exitCode = 1
}
