import { errors } from '../conformance/actors/errors.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(errors)
