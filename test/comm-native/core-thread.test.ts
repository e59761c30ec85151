import { coreTests } from './core.js'

coreTests('thread')
