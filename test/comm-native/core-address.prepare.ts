import { prepareCore } from './core.js'

await prepareCore('address')
