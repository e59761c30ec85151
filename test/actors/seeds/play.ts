import type { TestSystem } from '@kaitian/actors/testing'
import type { Deed, Step } from './script.js'
import { Stage } from './stage.js'
import { checkAccounts, checkBounds, checkDisposed, checkOver, checkReached } from './verdict.js'
import type { Witness } from './witness.js'

/** More timers than any script sets. */
const mostTimers = 2000

/**
 * Plays a script to its end and throws when one of A1 to A7 does not hold.
 *
 * @returns what the actors saw, in order
 */
export async function play(system: TestSystem, steps: readonly Step[]): Promise<string[]> {
  const stage = new Stage(system)
  const { witness } = stage
  try {
    let end: Step & { do: 'dispose' } = { do: 'dispose', atRest: true }
    for (const step of steps) {
      if (step.do === 'dispose') {
        end = step
        break
      }
      await stage.play(step)
      witness.verify()
    }
    if (end.atRest) await rest(stage)
    witness.verify()
    await dispose(stage, end)
    witness.verify()
    return witness.lines
  } finally {
    witness.close()
  }
}

/** Lets everything come to its end, and looks at what is left. */
async function rest(stage: Stage): Promise<void> {
  const { system, witness } = stage
  stage.relent()
  await runDown(system, witness)
  await checkBounds(witness, system)
  await checkAccounts(witness, system)
  const before = witness.mail.letters.length
  callTheRoll(stage)
  await runDown(system, witness)
  await checkReached(witness, system, before)
  await checkAccounts(witness, system)
}

/** Everybody is asked by the test, and by everybody else. */
function callTheRoll(stage: Stage): void {
  const slots = [...stage.refs.keys()]
  const others = slots.map((_, to): Deed => {
    const errand = { refs: [], deeds: [] }
    return { do: 'ask', to, errand, limits: {}, wait: false }
  })
  for (const to of slots) {
    const errand = { refs: slots, deeds: others }
    stage.act({ do: 'ask', to, errand, limits: {}, wait: false })
  }
}

async function dispose(stage: Stage, { timeoutMs }: Step & { do: 'dispose' }): Promise<void> {
  const { system, witness } = stage
  const options = timeoutMs === undefined ? {} : { timeoutMs }
  let over = false
  const disposed = witness.expect('dispose', system.dispose(options)).then(
    () => (over = true),
    (error: unknown) => {
      over = true
      const codes = witness.stuck ? ['ACTOR_QUARANTINED'] : []
      witness.checkCode('dispose', error, codes)
    },
  )
  await system.settle()
  // oxlint-disable-next-line no-unmodified-loop-condition -- the disposal sets it
  while (!over && (await system.clock.advanceToNext())) await system.settle()
  if (over) await disposed
  await system.settle()
  await system.settle()
  checkOver(witness, system)
  const { length } = system.trace
  await runDown(system, witness)
  checkDisposed(witness)
  callTheRoll(stage)
  await system.settle()
  for (const what of witness.unsettled) witness.violate('A3', `${what}, after the end`)
  for (const watch of stage.waiting) witness.violate('A3', `${watch} never called back`)
  // A disposal that was let go of may still be reported as failed.
  const later = system.trace
    .slice(length)
    .find(({ what }) => !what.startsWith('dead letter') && what !== 'failed')
  if (later !== undefined && !witness.stuck)
    witness.violate('A7', `${later.path}: ${later.what}, after the end`)
}

/** Moves the clock until nothing waits for it. */
async function runDown(system: TestSystem, witness: Witness): Promise<void> {
  let timers = 0
  await system.settle()
  while (await system.clock.advanceToNext()) {
    await system.settle()
    if (++timers < mostTimers) continue
    witness.violate('A7', `does not come to rest within ${mostTimers} timers`)
    return
  }
}
