import { fragile } from './fragile.js'

await fragile()
