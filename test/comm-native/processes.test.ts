import { whenNative } from './conformance.js'
import { exitsConformance } from './exits.conformance.js'

exitsConformance('typescript')
whenNative(() => exitsConformance('native'))
