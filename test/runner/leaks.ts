/**
 * Loaded before every test file. A file that has printed its totals but whose
 * process does not end holds a handle; on SIGUSR2 it says which, and fails.
 */
process.on('SIGUSR2', () => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== 'TTYWrap')
  console.error(`\n  Leaked handles: ${kinds.join(', ') || 'unknown'}`)
  process.exit(1)
})
