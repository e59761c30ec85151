import { escalation } from '../conformance/actors/escalation.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(escalation)
