import { strategies } from '../conformance/actors/groups.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(strategies)
