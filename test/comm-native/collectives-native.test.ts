import { collectivesConformance } from './collectives.conformance.js'

collectivesConformance('native')
