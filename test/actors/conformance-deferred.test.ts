import { deferred } from '../conformance/actors/deferred.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(deferred)
