import { ownFile } from '@kaitian/errors'
import { readFileSync } from 'node:fs'

/** The package's own. */
export function version(): string {
  const file = ownFile('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
