import { schemas } from '../conformance/actors/schema.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(schemas)
