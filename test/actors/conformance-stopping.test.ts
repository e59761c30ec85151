import { runEverywhere } from '../conformance/actors/stage.js'
import { stopping } from '../conformance/actors/stopping.js'

runEverywhere(stopping)
