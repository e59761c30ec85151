import { order } from '../conformance/actors/order.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(order)
