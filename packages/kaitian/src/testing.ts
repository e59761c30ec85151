// Doors for the project's own tests. Not part of the public API: it may change in any version.

export { assignDevices } from './groups/assign.js'
export { locateTask } from './task/locate.js'
export { toTrainOptions } from './training/options.js'
export { trainOn } from './training/train.js'
export { Training, type Runtime } from './training/training.js'
export { runCommandLine } from './cli/main.js'
export type { Host } from './cli/host.js'
export { checkWritable } from './files/writable.js'
export { renderReport } from './report/page.js'
export type { Output } from './terminal/display.js'
