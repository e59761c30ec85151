import { lifecycle } from '../conformance/actors/lifecycle.js'
import { runEverywhere } from '../conformance/actors/stage.js'
import { stash } from '../conformance/actors/stash.js'
import { timers } from '../conformance/actors/timers.js'

runEverywhere(lifecycle, stash, timers)
