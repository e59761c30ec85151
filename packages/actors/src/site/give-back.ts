import type { Link } from './link.js'
import { Op, opcode, type Post } from './wire.js'

/** Who wanted to send a frame that cannot cross hears of it. */
export function giveBack(link: Link, frame: Post, cause: unknown): void {
  const [op, first, second, third] = frame as [number, number, number, number]
  switch (op & opcode) {
    case Op.tell: {
      const target = link.targets.known(first)
      target?.arrivedTells(second, 1)
      target?.bounce(second, undefined, 'not-cloneable', cause as Error)
      return
    }
    case Op.ask:
    case Op.flow: {
      const target = link.targets.known(second)
      link.asks.take(first)?.dead('not-cloneable', third, target?.path ?? '', cause as Error)
      return
    }
    case Op.reply:
    case Op.item:
      link.answers.uncloneable(first, cause)
  }
}
