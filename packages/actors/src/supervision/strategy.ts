import type { Strategy } from '../api/context.js'

/**
 * Whom a failure takes along: the children to be restarted, in start order. Pure.
 *
 * @param children all of the group, in start order
 * @param failed those that failed
 */
export function affected<Child>(
  strategy: Strategy,
  children: readonly Child[],
  failed: ReadonlySet<Child>,
): Child[] {
  switch (strategy) {
    case 'one-for-one':
      return children.filter((child) => failed.has(child))
    case 'one-for-all':
      return children.some((child) => failed.has(child)) ? [...children] : []
    case 'rest-for-one': {
      const first = children.findIndex((child) => failed.has(child))
      return first === -1 ? [] : children.slice(first)
    }
  }
}
