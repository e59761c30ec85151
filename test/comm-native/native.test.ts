import { conformance, whenNative } from './conformance.js'

whenNative(() => conformance('native'))
