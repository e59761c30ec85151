import { recovery } from '../conformance/actors/recovery.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(recovery)
