import type { Endpoint } from 'comlink'
import adapter, { type NodeEndpoint } from 'comlink/dist/umd/node-adapter.js'

/** comlink's own adapter for Node. Its types promise a module, the file is the function itself. */
export const comlinkEndpoint = adapter as unknown as (port: NodeEndpoint) => Endpoint
