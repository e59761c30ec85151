import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KaitianError, messageOf } from '@kaitian/errors'

/** A Unix socket that only this user's processes can reach. */
export interface Door {
  readonly path: string
  /** Stops listening and leaves no file; connections live on. */
  close(): void
}

/** What fits into a socket's address on every system; longer ones would be cut in silence. */
const LONGEST_PATH = 100
/** The folder may go while a door is opened in it. */
const ATTEMPTS = 5

/**
 * Where the sites of one system listen for one another: a folder with a socket for each, which is
 * there while one of them listens. Who is killed leaves its socket; whoever started it knows its
 * name, and clears it away.
 */
export class Hall {
  readonly folder: string

  /** @param folder of the system, in its other sites; without it, a new one's */
  constructor(folder = join(tmpdir(), `kaitian-${randomBytes(6).toString('hex')}`)) {
    this.folder = folder
  }

  /** @throws FILE_WRITE_FAILED */
  async open(site: string, admit: (socket: Socket) => void): Promise<Door> {
    const path = join(this.folder, site)
    const server = createServer(admit)
    try {
      if (Buffer.byteLength(path) > LONGEST_PATH) throw new Error('the path is too long')
      await this.#listen(server, path)
    } catch (cause) {
      this.#leave()
      throw cannotListen(this.folder, cause)
    }
    return {
      path,
      close: () => {
        server.close()
        this.#leave()
      },
    }
  }

  /** What is left of a site that has ended, and of those that it had started. */
  clear(site: string): void {
    for (const name of namesIn(this.folder)) {
      if (name === site || name.startsWith(`${site}.`)) rmSync(join(this.folder, name))
    }
    this.#leave()
  }

  /** For the head of a process, whose threads end with it: `clear` when it exits, or is told to. */
  attend(site: string): () => void {
    const clear = (): void => this.clear(site)
    atExit.add(clear)
    return () => {
      atExit.delete(clear)
      clear()
    }
  }

  async #listen(server: Server, path: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#enter()
        return await listening(server, path)
      } catch (error) {
        // Who left last has taken the folder away meanwhile.
        if (attempt === ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }

  #enter(): void {
    try {
      // Its mode is what guards the sockets.
      return mkdirSync(this.folder, { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const found = lstatSync(this.folder)
    const isOurs = found.isDirectory() && found.uid === process.getuid?.()
    if (!isOurs || (found.mode & 0o077) !== 0) throw new Error('somebody else made the folder')
  }

  /** Takes the folder away when nobody else listens in it. */
  #leave(): void {
    try {
      rmdirSync(this.folder)
    } catch {
      // It is not empty, or not there.
    }
  }
}

/** One listener for all systems of this process: Node.js warns of many. */
const atExit = new Set<() => void>()
process.once('exit', () => {
  for (const clear of atExit) clear()
})

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: a worker of node:cluster would else ask the primary to listen.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      // An accept that fails (out of file descriptors) costs one connection, not the process.
      server.on('error', () => {})
      resolve()
    })
  })
}

function cannotListen(folder: string, cause: unknown): KaitianError {
  const why = messageOf(cause)
  return new KaitianError(
    'FILE_WRITE_FAILED',
    `Cannot make a socket for other processes in ${folder} (${why}); set TMPDIR to a short path where you may write`,
    { cause, fields: { directory: folder } },
  )
}
