import { readdirSync, readFileSync } from 'node:fs'

/** The processes of one session: a program that was started `detached`, and all that it started. */
export interface Family {
  /** Processor time of those that live and of those that they have waited for, in ms. */
  readonly cpuMs: number
  /** The program itself has been stopped by a signal. */
  readonly stopped: boolean
  /** Commands of those that live, without the program itself. */
  readonly others: readonly string[]
}

/** The kernel counts processor time in hundredths of a second, whatever its own clock does. */
const TICK_MS = 10

/** Looks at the families of these programs; undefined where there is no /proc. */
export function lookAtFamilies(leaders: readonly number[]): Map<number, Family> | undefined {
  const wanted = new Set(leaders)
  const found = new Map<number, Process[]>(leaders.map((leader) => [leader, []]))
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const one = readProcess(name)
      if (one !== undefined && wanted.has(one.session)) found.get(one.session)?.push(one)
    }
  } catch {
    return undefined
  }
  return new Map([...found].map(([leader, members]) => [leader, summarise(leader, members)]))
}

interface Process {
  readonly pid: number
  readonly command: string
  readonly state: string
  readonly session: number
  readonly cpuMs: number
}

/** See proc_pid_stat(5). Undefined for a process that has ended meanwhile. */
function readProcess(pid: string): Process | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The command, in brackets, may itself contain brackets and blanks.
  const [from, to] = [stat.indexOf('('), stat.lastIndexOf(')')]
  const fields = stat.slice(to + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return {
    pid: Number(pid),
    command: stat.slice(from + 1, to),
    state: fields[0],
    session: Number(fields[3]),
    cpuMs: ticks * TICK_MS,
  }
}

function summarise(leader: number, members: readonly Process[]): Family {
  return {
    cpuMs: members.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    stopped: members.some(({ pid, state }) => pid === leader && /[Tt]/.test(state)),
    // A zombie waits for its parent alone.
    others: members
      .filter(({ pid, state }) => pid !== leader && state !== 'Z')
      .map(({ command }) => command),
  }
}
