import type { MessagePort } from 'node:worker_threads'
import type { Endpoint } from 'comlink'
import type { FacadeFrame } from './facade-wire.js'

/** The fields of comlink's messages that are looked at here. */
interface ComlinkMessage {
  id?: string
  type?: string
  path?: string[]
}

type Listener = Parameters<Endpoint['addEventListener']>[1]

/**
 * A Node port as comlink wants it (comlink's own adapter has no types). Our frames go to
 * `onFrame`. Of comlink's messages the caller's side takes only replies, the other side only calls
 * of one of `methods`: comlink would follow any path, `__proto__` and `constructor` included
 * (comlink issue 603), and would also set and construct.
 */
export function portEndpoint(
  port: MessagePort,
  onFrame: (frame: FacadeFrame) => void,
  methods?: readonly string[],
): Endpoint {
  const listeners = new Set<Listener>()
  port.on('message', (data: FacadeFrame | ComlinkMessage) => {
    if ('t' in data) return onFrame(data)
    if (methods === undefined ? data.path !== undefined : !isCallOf(data, methods)) return
    const event = { data } as MessageEvent
    for (const listener of listeners) {
      if (typeof listener === 'function') listener(event)
      else listener.handleEvent(event)
    }
  })
  return {
    // comlink's signature is the browser's; both want the things to transfer second.
    postMessage: (message: unknown, transfer?: unknown) =>
      port.postMessage(message, (transfer ?? []) as MessagePort[]),
    addEventListener: (_type: string, listener: Listener) => void listeners.add(listener),
    removeEventListener: (_type: string, listener: Listener) => void listeners.delete(listener),
  }
}

function isCallOf(message: ComlinkMessage, methods: readonly string[]): boolean {
  const { type, path } = message
  return type === 'APPLY' && path?.length === 1 && methods.includes(path[0])
}
