import { train } from 'kaitian'

const task = new URL('../cifar/task.js', import.meta.url)
const groups = ['a=tfjs@cpu', 'b=tfjs@cpu']

const training = train({ task, groups, maxSteps: 60 })

training.events.on('step', ({ committed, loss, devices }) => {
  if (committed % 10 > 0) return
  const quotas = devices.map(({ device, quota }) => `${device} takes ${quota}`)
  console.log(`step ${committed}: loss ${loss.toFixed(3)}, ${quotas.join(', ')}`)
  // Faults are part of the API: try in your own tests what a lost device does.
  if (committed === 30) training.kill('cpu:1').catch(console.error)
})
training.events.on('fault', ({ message }) => console.log(message))

try {
  const { outcome, error, samples, digests } = await training.finished
  if (outcome === 'failed') throw error
  console.log(`${samples} samples; the state of each device:`, digests)
} finally {
  await training.close()
}
