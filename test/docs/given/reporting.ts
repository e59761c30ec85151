import { ask, nothing, protocol, type Context } from '@kaitian/actors'
import { testSystem } from '@kaitian/actors/testing'

const ReporterProtocol = protocol({ report: ask<string>(nothing) })

class Reporter {
  static readonly protocol = ReporterProtocol
  async report(_: void, ctx: Context): Promise<string> {
    await ctx.clock.sleep(1000)
    return 'done'
  }
}

export const system = testSystem({ seed: 1 })
export const actor = await system.spawn(Reporter)
