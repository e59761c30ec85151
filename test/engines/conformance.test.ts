import { engineFactory } from '@kaitian/train/engines'
import { engineConformance } from './engine.conformance.js'

for (const name of ['sim', 'tfjs']) engineConformance(name, engineFactory(name))
