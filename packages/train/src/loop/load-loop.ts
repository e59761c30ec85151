import { KaitianError, toKaitianError } from '@kaitian/errors'
import type { LoopDefinition } from './loop.js'
import train from './train.js'

/**
 * The loop of a module's default export; the built-in one without a module.
 *
 * @throws KaitianError BAD_LOOP
 */
export async function loadLoop(url: string | undefined): Promise<LoopDefinition> {
  if (url === undefined) return train
  let module: { default?: unknown }
  try {
    module = (await import(url)) as { default?: unknown }
  } catch (error) {
    throw toKaitianError(error, 'BAD_LOOP', `The loop module ${url} failed at import`)
  }
  const { default: loop } = module
  if (isLoop(loop)) return loop
  throw new KaitianError(
    'BAD_LOOP',
    `The module ${url} has no loop; export default defineLoop(async ({ cluster }) => { … }).`,
    { fields: { url } },
  )
}

function isLoop(candidate: unknown): candidate is LoopDefinition {
  if (typeof candidate !== 'object' || candidate === null) return false
  const { kind, run } = candidate as Partial<LoopDefinition>
  return kind === 'loop' && typeof run === 'function'
}
