export const onThread = {
  on: { thread: new URL(import.meta.url) },
  restart: { max: 100, withinMs: 60_000, backoffMs: 50, maxBackoffMs: 50 },
}
