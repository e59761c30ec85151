import { defineLoop } from './loop.js'

/** The built-in loop: the task's epochs, step after step, and the test set after each. */
export default defineLoop(async ({ cluster, data }) => {
  while (cluster.committed < data.totalSteps) {
    const { endsEpoch, committed } = await cluster.step()
    if (endsEpoch || committed === data.totalSteps) await cluster.evaluate()
  }
})
