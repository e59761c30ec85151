import { seededRandom } from '@kaitian/actors'
import { MemoryPort } from '@kaitian/actors/internal/testing/memory-port'
import { Arena, SeededTurns } from '@kaitian/actors/internal/testing/seeded-turns'
import { portConformance } from '../conformance/port.js'

portConformance('between simulated threads', () => {
  const arena = new Arena(seededRandom('ports'), Infinity, () => 0)
  return Promise.resolve(MemoryPort.pair(new SeededTurns(arena), () => undefined))
})
