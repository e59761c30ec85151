// Says something over file descriptor 3, and dies of it.
import { socketPort } from '@kaitian/actors/internal'
import { Socket, type SocketConstructorOpts } from 'node:net'

const options: SocketConstructorOpts = { fd: 3, readable: true, writable: true }
const socket = new Socket(options)
const port = socketPort(socket)
// More than one read takes, and within what a socket holds while nobody reads.
const words = ['first', 'x'.repeat(100_000), { last: true }]
for (const word of words) port.post(word)
setImmediate(() => {
  // The beginning of a message that never comes.
  socket.write(Buffer.from([200, 0, 0, 0, 1, 2, 3]), () => process.kill(process.pid, 'SIGKILL'))
})
