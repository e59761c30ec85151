import { asks } from '../conformance/actors/asks.js'
import { cancel } from '../conformance/actors/cancel.js'
import { runEverywhere } from '../conformance/actors/stage.js'
import { transfers } from '../conformance/actors/transfers.js'

runEverywhere(asks, cancel, transfers)
