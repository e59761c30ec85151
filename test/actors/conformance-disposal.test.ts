import { disposal } from '../conformance/actors/disposal.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(disposal)
