import { runEverywhere } from '../conformance/actors/stage.js'
import { supervision } from '../conformance/actors/supervision.js'

runEverywhere(supervision)
