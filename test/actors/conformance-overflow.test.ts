import { overflow } from '../conformance/actors/overflow.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(overflow)
