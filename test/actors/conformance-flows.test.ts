import { flows } from '../conformance/actors/flows.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(flows)
