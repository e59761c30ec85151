// What npm would publish, judged by publint and Are the Types Wrong. The packages are ES modules
// alone: that `require` and TypeScript's `node10` do not find them is meant.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { problemAffectsResolutionKind } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packInto } from './packages.js'

const RESOLUTIONS = ['node16-esm', 'bundler']

async function faultsOf(tarball) {
  const bytes = readFileSync(tarball)
  const { buffer } = Uint8Array.from(bytes)
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
  const analysis = await checkPackage(createPackageFromTarballData(bytes))
  if (analysis.types === false) return ['there are no types']
  const problems = analysis.problems.filter((problem) =>
    RESOLUTIONS.some((kind) => problemAffectsResolutionKind(problem, kind, analysis)),
  )
  return [
    ...messages.map((message) => formatMessage(message, pkg, { color: false })),
    ...problems.map(({ kind, ...where }) => `${kind} ${JSON.stringify(where)}`),
  ]
}

const folder = mkdtempSync(join(tmpdir(), 'kaitian-packages-'))
try {
  for (const tarball of packInto(folder)) {
    for (const fault of await faultsOf(tarball)) {
      console.error(`${basename(tarball)}: ${fault}`)
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
