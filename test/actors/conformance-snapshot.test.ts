import { snapshots } from '../conformance/actors/snapshot.js'
import { runEverywhere } from '../conformance/actors/stage.js'

runEverywhere(snapshots)
