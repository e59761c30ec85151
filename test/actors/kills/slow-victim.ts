import { Victim } from './victim.js'

// An import that takes a while, part of it without giving way.
const until = performance.now() + 10
while (performance.now() < until);
await new Promise((resolve) => setTimeout(resolve, 10))

export class SlowVictim extends Victim {}
