import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two ends of a Unix socket. @param dialler connects; another kind of socket, say */
export async function socketPair(dialler = new Socket()): Promise<[Socket, Socket]> {
  const directory = mkdtempSync(join(tmpdir(), 'kaitian-test-'))
  const path = join(directory, 's')
  const server = createServer()
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const connected = new Promise<void>((resolve) => dialler.once('connect', resolve))
    dialler.connect(path)
    await connected
    return [dialler, await accepted]
  } finally {
    server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
