import { refs } from '../conformance/actors/refs.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(refs)
