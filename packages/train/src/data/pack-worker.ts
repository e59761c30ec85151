/** What the packing pool's threads run. */
export { packShards as default } from './pack.js'
