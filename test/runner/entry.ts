import { pathToFileURL } from 'node:url'

/**
 * Runs a test file: `node entry.js <built file>`. What it needs for that is set here and not by
 * flags of Node.js, which the threads and processes that a test starts would inherit, and pay for.
 */
process.setSourceMapsEnabled(true)

/**
 * A file that makes no progress, or has printed its totals and does not end, is asked by SIGUSR2
 * what it holds open, and fails.
 */
process.on('SIGUSR2', () => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== 'TTYWrap')
  console.error(`\n  Open handles: ${kinds.join(', ') || 'unknown'}`)
  process.exit(1)
})

// As if it had been started itself.
process.argv.splice(1, 1)
await import(pathToFileURL(process.argv[1]).href)
