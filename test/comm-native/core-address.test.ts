import { coreTests } from './core.js'

coreTests('address')
