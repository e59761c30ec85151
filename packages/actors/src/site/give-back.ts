import { KaitianError } from '@kaitian/errors'
import type { Connection } from './connection.js'
import type { Link } from './link.js'
import { Op, opcode, type Post } from './wire.js'

/** Who wanted to send a frame that cannot cross hears of it. */
export function giveBack(
  link: Link,
  { asks, answers }: Connection,
  frame: Post,
  cause: unknown,
): void {
  const isTooLarge = cause instanceof KaitianError && cause.code === 'MESSAGE_TOO_LARGE'
  const reason = isTooLarge ? 'too-large' : 'not-cloneable'
  const [op, first, second, third] = frame as [number, number, number, number]
  switch (op & opcode) {
    case Op.tell: {
      const target = link.targets.awaited(first)
      target?.arrivedTells(second, 1)
      target?.bounce(second, undefined, reason, cause as Error)
      return
    }
    case Op.ask:
    case Op.flow: {
      const asker = asks.take(first)
      asker?.dead(reason, third, asker.to, cause as Error)
      return
    }
    case Op.reply:
    case Op.item:
      answers.uncloneable(first, cause)
  }
}
