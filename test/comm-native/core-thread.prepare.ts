import { prepareCore } from './core.js'

await prepareCore('thread')
