import { readFileSync } from 'node:fs'
import { eventually } from './support.js'

/** Whether a process runs; one that has ended and was not waited for yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // No such file: it has ended meanwhile, or this system tells of processes in another way.
    return process.platform !== 'linux'
  }
}

export function allGone(pids: readonly number[]): Promise<void> {
  return eventually(() => !pids.some(isAlive))
}
