// Run with UV_THREADPOOL_SIZE=1: a wait for a peer must not occupy libuv's only thread.
import { readFile } from 'node:fs/promises'
import { open, signature } from './scenario.js'

const { communicator, membership } = open(60_000)
const done = communicator.allreduce(signature(0)).then(() => console.log('summed'))
await readFile(new URL(import.meta.url))
console.log('read')
membership.ready(signature(0))
await done
