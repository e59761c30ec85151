/**
 * Loaded before every test file. One that makes no progress, or has printed its totals and does
 * not end, is asked by SIGUSR2 what it holds open, and fails.
 */
process.on('SIGUSR2', () => {
  const kinds = process.getActiveResourcesInfo().filter((kind) => kind !== 'TTYWrap')
  console.error(`\n  Open handles: ${kinds.join(', ') || 'unknown'}`)
  process.exit(1)
})
