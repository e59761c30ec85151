// The packages that are published, and their tarballs.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** @returns {{ name: string, version: string, folder: string }[]} */
export function publicPackages() {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return folders
    .map((folder) => ({
      ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
      folder,
    }))
    .filter((manifest) => manifest.private !== true)
}

/** As npm names it. */
function tarballName({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}

/**
 * pnpm puts the versions of the workspace's packages in place of `workspace:*`.
 *
 * @param {string} folder
 * @returns {string[]} the tarballs
 */
export function packInto(folder) {
  mkdirSync(folder, { recursive: true })
  const manifests = publicPackages()
  const tarballs = manifests.map((manifest) => join(folder, tarballName(manifest)))
  for (const tarball of tarballs) rmSync(tarball, { force: true })
  const pnpm = join(dirname(createRequire(import.meta.url).resolve('pnpm')), 'bin', 'pnpm.cjs')
  const which = manifests.map(({ name }) => `--filter=${name}`)
  const command = [pnpm, '--recursive', ...which, 'pack', '--pack-destination', folder]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`nothing was packed: ${stdout}${stderr}`)
  return tarballs
}
