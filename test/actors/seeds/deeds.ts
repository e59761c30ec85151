import type {
  ActorClass,
  ActorRef,
  Context,
  DeferredAnswer,
  GroupOptions,
  SpawnOptions,
} from '@kaitian/actors'
import { KaitianError } from '@kaitian/errors'
import type { Life } from './life.js'
import type { Letter } from './mail.js'
import type { Answer, PlayerProtocol, PlayerRef, Role } from './protocol.js'
import type { Act, Aftermath, Child, Deed } from './script.js'
import type { Sender } from './sender.js'

/** Who performs deeds, and in which turn. */
export interface Doer {
  ctx: Context<typeof PlayerProtocol>
  /** Of the children. */
  actor: ActorClass<typeof PlayerProtocol, Role>
  role: Role
  life: Life
  sender: Sender
  /** The message in hand, and the answer to it if it is an ask. */
  letter: Letter | undefined
  answer: () => Answer
  known: readonly PlayerRef[]
  refOf: (number: number) => PlayerRef | undefined
  learn: (ref: ActorRef) => void
}

/** One after the other; a promise only where a deed takes time. */
export function perform(deeds: readonly Deed[], doer: Doer): void | Promise<void> {
  for (let i = 0; i < deeds.length; i++) {
    const pending = performOne(deeds[i], doer)
    if (pending === undefined) continue
    const rest = deeds.slice(i + 1)
    return pending.then(() => {
      doer.life.witness.look()
      // A thread that is gone does not go on; here its code would.
      return doer.life.lost ? new Promise<void>(() => undefined) : perform(rest, doer)
    })
  }
  return undefined
}

/** Lives whose deeds may throw and kill: the others' do not, so that every run comes to rest. */
const lives = 3

function performOne(deed: Deed, doer: Doer): void | Promise<void> {
  const { ctx, life, letter } = doer
  switch (deed.do) {
    case 'pause':
      return Promise.resolve()
    case 'sleep':
      return deed.deaf ? life.sleep(deed.ms) : untilEnd(ctx.clock.sleep(deed.ms, ctx.signal))
    case 'hold':
      return new Promise((resolve) => {
        if (!deed.deaf) ctx.signal.addEventListener('abort', () => resolve())
        if (!deed.deaf && ctx.signal.aborted) resolve()
      })
    case 'throw':
      if (letter?.deferred !== undefined || letter?.swallowed === true) return undefined
      return life.number < lives ? fail(deed.what, letter) : undefined
    case 'stash':
      // Once: two that put each other aside would go on for ever.
      if (letter === undefined || letter.kind === 'flow' || letter.aside === true) return undefined
      if (letter.deferred !== undefined) return undefined
      letter.aside = true
      return stash(ctx, letter, deed.caught)
    case 'defer':
      if (letter?.kind !== 'ask' || letter.swallowed === true) return undefined
      return letter.deferred === undefined ? defer(deed, letter, doer) : undefined
    case 'unstash':
      return ctx.unstash()
    case 'after':
    case 'every':
      return setTimer(deed, doer)
    case 'own':
      return untilEnd(() => life.own(deed))
    case 'spawn':
      return spawn(deed.child, doer, ctx)
    case 'supervise':
      return supervise(deed, doer)
    default:
      return act(deed, doer)
  }
}

function fail(what: 'answer' | 'fault', letter: Letter | undefined): never {
  if (letter !== undefined) letter.threw = what
  if (what === 'fault') throw new RangeError('a fault')
  throw refusal()
}

function stash(ctx: Doer['ctx'], letter: Letter, caught: boolean): void {
  try {
    ctx.stash()
  } catch (error) {
    if (!caught) throw error
    // Else it was refused.
    letter.swallowed = !(error instanceof Error)
  }
}

/** The answer comes beside all turns. */
function defer(deed: Deed & { do: 'defer' }, letter: Letter, { ctx, life, answer }: Doer): void {
  letter.deferred = 'refused'
  const deferred = ctx.message.defer<Answer>()
  letter.deferred = deferred
  if (deed.how !== 'never') void give(deed, letter, deferred, life, answer)
}

async function give(
  { ms, how }: Deed & { do: 'defer' },
  letter: Letter,
  deferred: DeferredAnswer<Answer>,
  life: Life,
  answer: () => Answer,
): Promise<void> {
  await later(life, ms)
  if (life.lost || letter.state === 'done') return
  letter.state = 'done'
  const once = (): void => {
    if (how === 'reply' || life.number >= lives) return deferred.reply(answer())
    letter.threw = how === 'fault' ? 'fault' : 'answer'
    deferred.refuse(how === 'fault' ? new RangeError('a fault') : refusal())
  }
  once()
  try {
    once()
  } catch (error) {
    if ((error as { code?: string }).code === 'BAD_ARGUMENT') return
  }
  life.witness.violate('A3', `${life.name} answered ${letter.id} twice`)
}

function later(life: Life, ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : life.sleep(ms)
}

function refusal(): KaitianError {
  return new KaitianError('DATA_MISSING', 'an answer')
}

function act(deed: Act, doer: Doer): void | Promise<void> {
  const { ctx, sender, life, refOf } = doer
  switch (deed.do) {
    case 'tell':
      return sender.tell(deed)
    case 'ask': {
      const after = (ref: PlayerRef): void => follow(deed.after, ref, doer)
      const asked = sender.ask(deed, after).then((answer) => answer?.refs.forEach(doer.learn))
      return deed.wait ? asked : undefined
    }
    case 'consume':
      void sender.consume(deed)
      return undefined
    case 'room':
      void sender.room(deed)
      return undefined
    case 'watch':
      return watch(deed, doer)
    case 'stop':
    case 'kill': {
      const ref = refOf(deed.to)
      if (ref === undefined || (deed.do === 'kill' && life.number >= lives)) return undefined
      const { timeoutMs } = deed as { timeoutMs?: number }
      const options = timeoutMs === undefined ? {} : { timeoutMs }
      const over =
        deed.do === 'stop'
          ? ctx.stop(ref, { drain: deed.drain, ...options })
          : ctx.kill(ref, { restart: deed.restart })
      void life.witness.expect(`${deed.do} of ${ref.path}`, over, life)
    }
  }
  return undefined
}

/** In the midst of what it has sent, maybe. */
function follow(after: Aftermath | undefined, ref: PlayerRef, { ctx, life }: Doer): void {
  life.witness.look()
  if (after === undefined || life.lost || (after !== 'stop' && life.number >= lives)) return
  const over = after === 'stop' ? ctx.stop(ref) : ctx.kill(ref, { restart: after === 'restart' })
  void life.witness.expect(`${after} of ${ref.path}`, over, life)
}

function watch({ to, unwatchMs, deeds }: Act & { do: 'watch' }, doer: Doer): void {
  const { ctx, life, refOf } = doer
  const ref = refOf(to)
  if (ref === undefined) return
  let calls = 0
  const unwatch = ctx.watch(ref, (down) => {
    if (++calls > 1) life.witness.violate('A3', `${life.name} heard twice of ${down.ref.path}`)
    if (down.ref !== ref) life.witness.violate('A3', `${life.name} heard of another one`)
    sync(`watch of ${ref.path}`, deeds, doer)
  })
  if (unwatchMs !== undefined) ctx.after(unwatchMs, unwatch)
}

function setTimer(deed: Deed & { do: 'after' | 'every' }, doer: Doer): void {
  const { ctx, life } = doer
  const run = (): void => sync(`timer (${deed.ms} ms)`, deed.deeds, doer)
  if (deed.do === 'after') {
    const cancel = ctx.after(deed.ms, run)
    if (deed.cancelMs !== undefined) ctx.after(deed.cancelMs, cancel)
    return
  }
  // Also when it has no turn for them: they would go on for ever.
  void life.sleep(deed.ms * deed.times).then(ctx.every(deed.ms, run))
}

/** The turn of a callback, which has no message in hand and does not wait. */
function sync(what: string, deeds: readonly Deed[], doer: Doer): void {
  const { life } = doer
  life.turn(what, () => {
    for (const deed of deeds) void performOne(deed, { ...doer, letter: undefined })
  })
}

export function optionsOf({ name, on, mailbox, restart, stop }: Child): SpawnOptions {
  const module = new URL('./player.js', import.meta.url)
  return {
    name,
    on: on === 'inline' ? 'inline' : on === 'thread' ? { thread: module } : { process: module },
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(restart === undefined ? {} : { restart }),
    ...(stop === undefined ? {} : { stop }),
  }
}

/** What `spawn` may reject with. */
export const spawnRefusals = ['SPAWN_FAILED', 'ACTOR_STOPPED', 'BAD_ARGUMENT', 'SYSTEM_STOPPED']

/** Refs that a new actor is given. */
export const mostKnown = 3

async function spawn(
  child: Child,
  { life, learn, role, actor, known }: Doer,
  where: Pick<Context, 'spawn'>,
  parent: string = life.path,
): Promise<void> {
  const { witness } = life
  witness.look()
  if (life.lost) return new Promise<void>(() => undefined)
  const path = `${parent}/${child.name}`
  witness.mail.declare(path, child.mailbox?.overflow)
  const args = { run: role.run, path, child, refs: known.slice(0, mostKnown) }
  const started = where.spawn(actor, args, optionsOf(child))
  try {
    learn(await witness.expect(`the spawn of ${path}`, started, life))
  } catch (error) {
    witness.checkCode(`the spawn of ${path}`, error, spawnRefusals)
  }
}

async function supervise(deed: Deed & { do: 'supervise' }, doer: Doer): Promise<void> {
  const { name, strategy, restart, children } = deed
  const options: GroupOptions = { name, strategy, restart }
  try {
    const group = doer.ctx.supervise(options)
    for (const child of children) await spawn(child, doer, group, group.path)
  } catch (error) {
    doer.life.witness.checkCode(`the group ${name} of ${doer.life.path}`, error, spawnRefusals)
  }
}

/** Ends quietly when the incarnation does. */
function untilEnd(what: Promise<void> | (() => void)): void | Promise<void> {
  const quietly = (error: unknown): void => {
    const { code } = error as KaitianError
    if (code !== 'CANCELLED' && code !== 'ACTOR_STOPPED') throw error
  }
  if (typeof what !== 'function') return what.catch(quietly)
  try {
    what()
  } catch (error) {
    quietly(error)
  }
  return undefined
}
