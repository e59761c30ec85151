import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Runs measurements, one after the other, since two at once would spoil both:
 * `npm run bench` runs all, `npm run bench -- tfjs-kernels` the named ones.
 */
const folder = fileURLToPath(new URL('.', import.meta.url))
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.js') && file !== 'main.js')
  .map((file) => file.slice(0, -'.js'.length))
const named = process.argv.slice(2)
const unknown = named.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`There is no measurement ${unknown.join(', ')}; choose from ${known.join(', ')}.`)
  process.exit(2)
}
for (const name of named.length > 0 ? named : known) {
  console.log(`\n== ${name}`)
  const { status } = spawnSync(process.execPath, [`${folder}${name}.js`], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
