import { seededRandom } from '@kaitian/actors'
import { Arena, MemoryPort, SeededTurns } from '@kaitian/actors/internal'
import { portConformance } from '../conformance/port.js'

portConformance('between simulated threads', () => {
  const arena = new Arena(seededRandom('ports'), Infinity, () => 0)
  return Promise.resolve(MemoryPort.pair(new SeededTurns(arena), () => undefined))
})
