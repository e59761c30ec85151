import { whenNative } from './conformance.js'
import { sameBitsConformance } from './same-bits.conformance.js'

whenNative(sameBitsConformance)
