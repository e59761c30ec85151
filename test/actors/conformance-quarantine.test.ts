import { quarantine } from '../conformance/actors/quarantine.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(quarantine)
