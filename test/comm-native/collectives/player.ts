import type { Membership } from '@kaitian/comm-native'
import { Arena } from './arena.js'
import type { Case, Seat } from './case.js'
import { endsAlike } from './case.js'
import { Checker, digestOf } from './check.js'
import type { Command, Failed, Report } from './cluster.js'
import { prepare } from './exchange.js'
import { refuse } from './refusals.js'

/** More than this is not kept from case to case. */
const KEPT_BYTES = 8 * 1024 * 1024

interface Started {
  readonly report: Promise<Report>
  settled: boolean
}

/** A rank of any placement: carries out commands with a membership, and judges the results. */
export class Player {
  readonly #membership: Membership
  readonly #seat: Seat
  readonly #checker: Checker
  readonly #arenas = { shared: pair('shared'), plain: pair('plain') }
  readonly #started = new Map<string, Started>()

  constructor(membership: Membership, seat: Seat) {
    this.#membership = membership
    this.#seat = seat
    this.#checker = new Checker(seat)
  }

  async playAll(commands: readonly Command[]): Promise<Report[]> {
    const reports: Report[] = []
    // In turn: ranks make their calls in one order.
    // oxlint-disable-next-line no-await-in-loop
    for (const command of commands) reports.push(await this.#play(command))
    return reports
  }

  #play(command: Command): Report | Promise<Report> {
    switch (command.do) {
      case 'run':
        return this.#run(command.given, this.#arenas[command.given.memory])
      case 'start':
        return this.#start(command.key, this.#run(command.given, pair(command.given.memory)))
      case 'barrier':
        return this.#start(command.key, this.#barrier())
      case 'repeat':
        return this.#start(command.key, this.#repeat(command.given))
      case 'finish':
        return this.#started.get(command.key)!.report
      case 'look':
        return { settled: this.#started.get(command.key)!.settled }
      case 'refuse':
        return refuse(this.#membership, command.refusal).then(() => ({}), failure)
      case 'leave':
        this.#membership.leave()
        return {}
    }
  }

  #start(key: string, report: Promise<Report>): Report {
    const started: Started = { report, settled: false }
    void report.then(() => (started.settled = true))
    this.#started.set(key, started)
    return {}
  }

  async #run(given: Case, arenas: readonly [Arena, Arena]): Promise<Report> {
    const exchange = prepare(given, this.#seat, arenas)
    try {
      await exchange.call(this.#membership)
    } catch (error) {
      return failure(error)
    }
    const wrong = this.#checker.check(exchange)
    const digest = endsAlike(given) ? digestOf(exchange) : ''
    for (const arena of arenas) arena.trim(KEPT_BYTES)
    return wrong === undefined ? { digest } : { digest, wrong }
  }

  async #barrier(): Promise<Report> {
    try {
      await this.#membership.barrier()
      return {}
    } catch (error) {
      return failure(error)
    }
  }

  async #repeat(given: Case): Promise<Report> {
    const arenas = pair(given.memory)
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop
      const report = await this.#run(given, arenas)
      if (report.failed !== undefined || report.wrong !== undefined) return report
    }
  }
}

function pair(memory: 'shared' | 'plain'): [Arena, Arena] {
  return [new Arena(memory), new Arena(memory)]
}

function failure(thrown: unknown): Report {
  const { code = 'no code', message, fields = {} } = thrown as Partial<Failed> & Error
  return { failed: { code, message, fields } }
}
