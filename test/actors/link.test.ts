import { ask, createSystem, protocol, seededRandom, systemClock, tell } from '@kaitian/actors'
import {
  ActorSystem,
  type GoneNotice,
  Hall,
  Handle,
  type Link,
  messagePort,
  Op,
  type Port,
  type Post,
  realWorld,
  type RemoteBody,
  type Site,
} from '@kaitian/actors/internal'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { eventually } from './support.js'

const test = suite('a link, through the incarnations of its peer')

const EchoProtocol = protocol({ echo: ask<string, string>(), note: tell<string>() })

/** Answers when it is let. */
class Echo {
  static readonly protocol = EchoProtocol
  readonly notes: string[] = []
  #waiting: (() => void)[] = []

  constructor(args: { made: (echo: Echo) => void }) {
    args.made(this)
  }

  async echo(text: string) {
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return text
  }

  note(text: string) {
    this.notes.push(text)
  }

  answer() {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const restarting: GoneNotice = { end: { reason: 'failed' }, next: 'restart', abrupt: false }

/** A system, an actor of it, and a link to a site that the test plays. */
class Case {
  readonly system = new ActorSystem(
    'here',
    realWorld('0', new Hall(), systemClock, seededRandom('link')),
  )
  readonly link: Link
  echo!: Echo
  /** By which the peer knows the actor. */
  id = 0

  constructor() {
    const { site } = this
    site.tree.adopt({ site: '0.9' } as RemoteBody)
    this.link = site.link('0.9')
  }

  get site(): Site {
    return this.system.site
  }

  async begin(): Promise<this> {
    const made = (echo: Echo): void => void (this.echo = echo)
    const ref = await this.system.spawn(Echo, { made })
    this.id = Handle.targetOf(ref as unknown as Handle).address.id
    return this
  }

  /** A port to another incarnation of the peer, or one more to the same. */
  port(): Peer {
    const { port1, port2 } = new MessageChannel()
    this.link.attach(messagePort(port1))
    return new Peer(messagePort(port2))
  }

  async end(...peers: Peer[]): Promise<void> {
    for (const { port } of peers) port.close()
    await this.system.dispose()
  }
}

/** The other end. */
class Peer {
  readonly port: Port
  /** Each post, as it came. */
  readonly heard: Post[] = []

  constructor(port: Port) {
    this.port = port
    port.receive((post) => this.heard.push(post as Post))
  }

  /** Resolves when what was posted before has been read. */
  async post(...frames: Post): Promise<void> {
    this.port.post(frames)
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
}

test('what one incarnation asked is not answered to the next, whose numbers are the same', async () => {
  const it = await new Case().begin()
  const first = it.port()
  await first.post(Op.ask, 1, it.id, 0, 'of the first')
  it.link.retire(restarting)
  const second = it.port()
  await second.post(Op.ask, 1, it.id, 0, 'of the second')
  // Its port has not closed yet.
  await first.post(Op.ask, 2, it.id, 0, 'too late')
  it.echo.answer()
  await eventually(() => {
    it.echo.answer()
    return second.heard.length > 0
  })
  assert.equal(second.heard, [[Op.reply, 1, 'of the second']])
  assert.equal(first.heard, [])
  await it.end(first, second)
})

test('until the next one comes, the last words of an incarnation are heard', async () => {
  const it = await new Case().begin()
  const first = it.port()
  await first.post(Op.tell, it.id, 1, 'hello')
  it.link.retire(restarting)
  await first.post(Op.tell, it.id, 1, 'last words')
  const second = it.port()
  await first.post(Op.tell, it.id, 1, 'too late')
  await second.post(Op.tell, it.id, 1, 'hello again')
  assert.equal(it.echo.notes, ['hello', 'last words', 'hello again'])
  await it.end(first, second)
})

test('news for who has stopped to wait for it loses nothing of what is behind it', async () => {
  const it = await new Case().begin()
  const peer = it.port()
  const target = it.link.targets.at({
    site: '0.9',
    id: 7,
    path: 'there/child',
    capacity: 1,
    overflow: 'reject',
    messages: [],
  })
  target.watch(() => assert.unreachable('unwatched'))()
  await peer.post(Op.down, 7, { reason: 'stopped' }, Op.tell, it.id, 1, 'behind it')
  assert.equal(it.echo.notes, ['behind it'])
  assert.equal(peer.heard[0], [Op.watch, 7, Op.unwatch, 7])
  await it.end(peer)
})

test('a port that was waited for when the peer ended is closed, and its caller is not waited for', async () => {
  const it = await new Case().begin()
  const { port1, port2 } = new MessageChannel()
  let cancelled = false
  let arrive!: (port: Port) => void
  const late = new Promise<Port>((resolve) => (arrive = resolve))
  it.link.expect(late, () => (cancelled = true))
  it.link.retire({ ...restarting, abrupt: true })
  assert.ok(cancelled)
  const far = new Peer(messagePort(port2))
  const closed = new Promise<void>((resolve) => far.port.onClose(resolve))
  arrive(messagePort(port1))
  await closed
  const next = it.port()
  await next.post(Op.tell, it.id, 1, 'hello')
  assert.equal(it.echo.notes, ['hello'])
  await it.end(next)
})

test('who works for a peer that has ended is told so, and nothing here waits for it', async () => {
  const it = await new Case().begin()
  const peer = it.port()
  const cell = it.site.nursery.cell(it.id)
  await peer.post(Op.watch, it.id, Op.tell, it.id, 1, 'hello', Op.ask, 1, it.id, 0, 'question')
  it.link.retire({ end: { reason: 'killed' }, next: 'nothing', abrupt: true })
  assert.ok(cell?.inHand.origins()[0]?.cancelled)
  assert.ok(it.link.over)
  assert.is(it.site.existingLink('0.9'), undefined, 'it is forgotten')
  assert.is(it.site.link('0.9'), it.link, 'but for who holds its refs')
  it.echo.answer()
  await it.end(peer)
})

test('after a thousand others, a site that is gone is known to have been there', async () => {
  const system = createSystem()
  const { site } = system as ActorSystem
  const gone = (id: string): void =>
    site.retire(id, { end: { reason: 'stopped' }, next: 'nothing', abrupt: false })
  gone('0.2')
  assert.is(site.noticeOf('0.2.5.p6')?.end.reason, 'exited', 'with what it was in')
  for (let n = 3; n < 1003; n++) gone(`0.${n}`)
  assert.is(site.noticeOf('0.2'), undefined)
  assert.is(site.noticeOf('0.1002')?.end.reason, 'stopped')
  const link = site.link('0.2')
  assert.ok(link.gone)
  assert.is(link.end?.reason, 'exited')
  await system.dispose()
})

test.run()
