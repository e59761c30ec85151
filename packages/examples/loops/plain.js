import { defineLoop } from 'kaitian'

/**
 * A loop of one's own: the learning rate is halved whenever an epoch made the test set no better,
 * and after three such epochs the run ends.
 *
 *     kaitian train packages/examples/cifar --loop packages/examples/loops/plain.js
 */
export default defineLoop(async ({ cluster, data, log }) => {
  let learningRate = 0.05
  let best = Infinity
  for (let bad = 0; bad < 3 && cluster.committed < data.totalSteps;) {
    for (let ended = false; !ended;) ended = (await cluster.step({ learningRate })).endsEpoch
    const { loss = Infinity } = (await cluster.evaluate()) ?? {}
    if (loss < best) {
      best = loss
    } else {
      learningRate /= 2
      bad++
    }
    log({ loss, best, learningRate })
  }
})
