import { createSystem, type Actor } from 'comedy'

/** A comedy system that says nothing on the console. */
export async function openComedy(): Promise<{ root: Actor; close: () => Promise<void> }> {
  const system = createSystem({})
  const silent = 1
  system.getLog().setLevel(silent)
  return { root: await system.rootActor(), close: () => system.destroy() }
}
