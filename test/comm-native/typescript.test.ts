import { conformance } from './conformance.js'

conformance('typescript')
