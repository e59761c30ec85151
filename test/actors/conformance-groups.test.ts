import { groups } from '../conformance/actors/groups.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(groups)
