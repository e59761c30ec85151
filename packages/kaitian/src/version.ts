import { readFileSync } from 'node:fs'
import { ownFile } from '@kaitian/errors'

/** The package's own. */
export function version(): string {
  const file = ownFile('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
