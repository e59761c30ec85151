import { readSync } from 'node:fs'
import type { Socket } from 'node:net'
import { KaitianError, toKaitianError } from '@kaitian/errors'
import { decode, encode } from './codec.js'
import { FrameReader, PREFIX_BYTES } from './frame-reader.js'
import { Inlet } from './inlet.js'
import type { Port, Transferable } from './port.js'

export interface SocketPort extends Port {
  /** Why this side closed: the other one broke the protocol. A peer that died is no error. */
  readonly error: KaitianError | undefined
}

export interface SocketPortOptions {
  /** Larger messages are refused, on both sides. */
  maxMessageBytes?: number
}

const MEBIBYTE = 1 << 20
const READ_BYTES = 64 * 1024

/**
 * A port between processes, over a connected Unix socket that nobody else reads or writes.
 *
 * `close` writes at once what the kernel takes; the rest is written before `onClose` is called,
 * so wait for that before the process exits. While the other process hangs it is not called.
 */
export function socketPort(socket: Socket, options: SocketPortOptions = {}): SocketPort {
  return new ProcessPort(socket, options.maxMessageBytes ?? 64 * MEBIBYTE)
}

class ProcessPort implements SocketPort {
  readonly #socket: Socket
  readonly #maxBytes: number
  readonly #reader: FrameReader
  #unsent: Buffer[] = []
  /** What came before there was a listener. */
  #early: unknown[] = []
  readonly #inlet = new Inlet()
  #onClose: (() => void) | undefined
  #sends = true
  #receives = true
  #ended = false
  error: KaitianError | undefined

  constructor(socket: Socket, maxBytes: number) {
    this.#socket = socket
    this.#maxBytes = maxBytes
    this.#reader = new FrameReader(maxBytes)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('end', () => {
      this.#sends = false
    })
    // A reset or a broken pipe: the peer is gone, which `close` tells.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sends = false
      this.#ended = true
      this.#tellClosed()
    })
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    if (!this.#sends) return
    checkTransfer(transfer)
    const frame = encode(message, PREFIX_BYTES)
    const byteLength = frame.byteLength - PREFIX_BYTES
    if (byteLength > this.#maxBytes) throw tooLarge(byteLength, this.#maxBytes)
    frame.writeUInt32LE(byteLength)
    // They were copied; now the sender loses them, as it does between threads.
    if (transfer.length > 0) structuredClone(undefined, { transfer: [...transfer] })
    this.#unsent.push(frame)
    if (this.#unsent.length === 1) queueMicrotask(() => this.#flush())
  }

  receive(listener: (message: unknown) => void): void {
    // Never from within this call; and nothing else can come before a microtask.
    queueMicrotask(() => {
      this.#inlet.attend(listener)
      // `close` empties it.
      while (this.#early.length > 0) this.#deliver(this.#early.shift())
      this.#tellClosed()
    })
  }

  onClose(listener: () => void): void {
    this.#onClose = listener
    queueMicrotask(() => this.#tellClosed())
  }

  close(): void {
    this.#receives = false
    this.#inlet.close()
    this.#early = []
    if (!this.#sends) return
    this.#flush()
    this.#sends = false
    this.#socket.end()
  }

  /** One system call for all that was posted in a turn. */
  #flush(): void {
    const frames = this.#unsent
    this.#unsent = []
    if (!this.#sends || frames.length === 0) return
    const last = frames.length - 1
    this.#socket.cork()
    for (const frame of frames.slice(0, last)) this.#socket.write(frame)
    this.#socket.write(frames[last], (error) => {
      if (error) this.#takeLastWords()
    })
    this.#socket.uncork()
  }

  #take(chunk: Buffer): void {
    if (!this.#receives) return
    try {
      for (const body of this.#reader.push(chunk)) {
        if (!this.#deliver(decode(body))) return
      }
    } catch (error) {
      this.error = toKaitianError(error, 'FRAME_INVALID', 'Another process sent no message')
      this.#sends = this.#receives = false
      this.#socket.destroy()
    }
  }

  /**
   * A failed write destroys the socket, with what a dying peer had sent and we have not read: an
   * answer, and then its exit. This runs before that. It is little, a socket's buffer at most.
   */
  #takeLastWords(): void {
    const { fd = -1 } = (this.#socket as { _handle?: { fd?: number } })._handle ?? {}
    if (fd < 0) return
    const chunk = Buffer.allocUnsafe(READ_BYTES)
    for (let read = readNow(fd, chunk); read > 0; read = readNow(fd, chunk)) {
      this.#take(chunk.subarray(0, read))
    }
  }

  /** False when nobody takes messages any more. */
  #deliver(message: unknown): boolean {
    if (!this.#inlet.attended) {
      this.#early.push(message)
      return true
    }
    try {
      return this.#inlet.deliver(message)
    } catch (error) {
      // As from an event's listener, but the messages behind this one are not lost with it.
      queueMicrotask(() => {
        throw error
      })
      return true
    }
  }

  #tellClosed(): void {
    if (!this.#ended || this.#early.length > 0) return
    const onClose = this.#onClose
    this.#onClose = undefined
    onClose?.()
  }
}

/** 0 also when there is nothing to read now, or the connection was reset. */
function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into)
  } catch {
    return 0
  }
}

function checkTransfer(transfer: readonly Transferable[]): void {
  if (transfer.every((item) => item instanceof ArrayBuffer)) return
  throw new KaitianError(
    'MESSAGE_NOT_CLONEABLE',
    'Only array buffers can be transferred to another process; ports and handles stay in theirs',
  )
}

function tooLarge(byteLength: number, maxBytes: number): KaitianError {
  return new KaitianError(
    'MESSAGE_TOO_LARGE',
    `A message of ${byteLength} bytes is larger than the ${maxBytes} that go to another process at once; put the data into a SharedRegion and send its address`,
    { fields: { byteLength, maxBytes } },
  )
}
