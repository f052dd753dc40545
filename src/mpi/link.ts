/**
 * A line between rank 0 and every other rank beside MPI, to learn at once that a process is gone. MPI itself does not say: an
 * all-reduce with a dead process waits without end, and not every launcher ends the others.
 *
 * The system closes the connections of a process that dies, however it dies. A machine that dies, or a network, closes nothing: so
 * both ends send a byte of life every few seconds, and silence counts as an end. Messages are lines of JSON over TCP. Whoever connects must
 * know the run's token.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { DarError, messageOf } from '../support/errors.ts'

/** Where rank 0 listens; all ranks get it by MPI. */
export interface Meeting {
  /** Tried in this order. */
  readonly hosts: readonly string[]
  readonly port: number
  readonly token: string
}

type Message =
  | {
      readonly kind: 'hello'
      readonly token: string
      readonly rank: number
      readonly pid: number
      readonly host: string
    }
  | { readonly kind: 'alive' }
  /** Of the sender, which saw the mistake itself. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Of rank 0: what another rank said or how it ended. */
  | { readonly kind: 'lost'; readonly message: string }
  | { readonly kind: 'bye' }

/** Another process of the run has failed or is gone. `isKnown`: rank 0 knows, and will report it. */
export class PeerError extends DarError {
  constructor(
    message: string,
    readonly isKnown: boolean,
  ) {
    super(message, { kind: 'gone' })
  }
}

interface Timing {
  readonly beat?: number
  /** No sign of life for this long is an end. */
  readonly silence?: number
}

const BEAT_MS = 5_000
const SILENCE_MS = 60_000
const CONNECT_MS = 20_000

/** One rank's end. Dispose it. */
export abstract class Link {
  /** The first failure of another rank. */
  problem: PeerError | null = null
  private leaving = false
  private readonly timer: NodeJS.Timeout
  private readonly heard = new Map<Socket, number>()

  protected constructor({ beat = BEAT_MS, silence = SILENCE_MS }: Timing) {
    this.timer = setInterval(() => {
      for (const [socket, at] of this.heard) {
        say(socket, { kind: 'alive' })
        if (performance.now() - at > silence) socket.destroy(new Error(`silent for ${Math.round(silence / 1000)} s`))
      }
    }, beat).unref()
  }

  /** `ended`: called once, with the reason where one is known, and with null after a goodbye. */
  protected attend(socket: Socket, heard: (message: Message) => void, ended: (how: string | null) => void): void {
    let goodbye = false
    let how = ''
    this.heard.set(socket, performance.now())
    socket.setNoDelay(true).unref()
    const lines = createInterface({ input: socket })
    lines.on('error', () => {}) // the socket's, which is told below
    lines.on('line', (line) => {
      this.heard.set(socket, performance.now())
      const message = messageIn(line)
      if (message === null) socket.destroy()
      else if (message.kind === 'bye') goodbye = true
      else heard(message)
    })
    socket.on('error', (error) => {
      how = ` (${messageOf(error)})`
    })
    socket.on('close', () => {
      this.heard.delete(socket)
      ended(goodbye || this.leaving ? null : how)
    })
  }

  protected lose(problem: PeerError): void {
    this.problem ??= problem
  }

  /** Tells the others why this process ends, and waits until rank 0 has saved what it can. */
  abstract fail(message: string): Promise<void>

  /** Ends it without alarm at the other end. */
  dispose(): void {
    if (this.leaving) return
    this.leaving = true
    clearInterval(this.timer)
    for (const socket of this.heard.keys()) socket.end(lineOf({ kind: 'bye' }))
  }
}

/** Null for what is none: anything may connect to a port. */
function messageIn(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'kind' in value ? (value as Message) : null
  } catch {
    return null
  }
}

const lineOf = (message: Message) => `${JSON.stringify(message)}\n`

function say(socket: Socket, message: Message): void {
  if (socket.writable) socket.write(lineOf(message))
}

/** Rank 0's end: it hears of everything, and passes it on. */
export class Centre extends Link {
  private readonly ranks = new Map<Socket, number>()

  private constructor(
    private readonly server: Server,
    private readonly token: string,
    timing: Timing,
  ) {
    super(timing)
    server.on('connection', (socket) => this.welcome(socket))
  }

  /** Listens on a free port. */
  static async open(token: string, timing: Timing = {}): Promise<{ readonly centre: Centre; readonly port: number }> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, resolve)
    })
    server.unref()
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('internal error: no port')
    return { centre: new Centre(server, token, timing), port: address.port }
  }

  private welcome(socket: Socket): void {
    let who: Extract<Message, { kind: 'hello' }> | null = null
    const heard = (message: Message) => {
      if (who === null) {
        if (message.kind !== 'hello' || message.token !== this.token) socket.destroy()
        else {
          who = message
          this.ranks.set(socket, message.rank)
        }
      } else if (message.kind === 'failed') this.pass(socket, `rank ${who.rank} failed: ${message.message}`)
    }
    this.attend(socket, heard, (how) => {
      this.ranks.delete(socket)
      if (who === null || how === null) return
      const { rank, pid, host } = who
      this.pass(socket, `rank ${rank} (process ${pid} on ${host}) has ended without a word, as if it was killed${how}`)
    })
  }

  private pass(from: Socket, message: string): void {
    if (this.problem) return
    this.lose(new PeerError(message, false))
    for (const socket of this.ranks.keys()) if (socket !== from) say(socket, { kind: 'lost', message })
  }

  /** How many ranks have connected. */
  get connected(): number {
    return this.ranks.size
  }

  async fail(message: string): Promise<void> {
    for (const socket of this.ranks.keys()) say(socket, { kind: 'failed', message })
  }

  override dispose(): void {
    super.dispose()
    this.server.close()
  }
}

/** Any other rank's end. */
export class Spoke extends Link {
  private constructor(
    private readonly socket: Socket,
    who: { readonly rank: number; readonly host: string; readonly token: string },
    timing: Timing,
  ) {
    super(timing)
    const heard = (message: Message) => {
      if (message.kind === 'failed') this.lose(new PeerError(`rank 0 failed: ${message.message}`, true))
      if (message.kind === 'lost') this.lose(new PeerError(message.message, true))
    }
    this.attend(socket, heard, (how) => {
      if (how !== null) this.lose(new PeerError(`rank 0 has ended without a word, as if it was killed${how}`, false))
    })
    say(socket, { kind: 'hello', pid: process.pid, ...who })
  }

  /** Throws a DarError when rank 0 answers at none of its addresses. */
  static async open(
    { hosts, port, token }: Meeting,
    who: { readonly rank: number; readonly host: string },
    timing: Timing = {},
  ): Promise<Spoke> {
    const failures: string[] = []
    for (const host of hosts)
      try {
        return new Spoke(await connect(host, port), { ...who, token }, timing)
      } catch (error) {
        failures.push(messageOf(error))
      }
    throw new DarError(
      `rank ${who.rank} on ${who.host} cannot reach rank 0 at port ${port} of ${hosts.join(', ')} (${failures.at(-1)}): let the ` +
        'machines of the run reach each other by TCP',
      { kind: 'network' },
    )
  }

  async fail(message: string): Promise<void> {
    if (!this.problem) say(this.socket, { kind: 'failed', message })
    if (this.socket.destroyed) return
    // Rank 0 writes its checkpoint, says what happened, and ends. A launcher would stop it if this process ended before.
    this.socket.ref()
    await new Promise<void>((resolve) => this.socket.once('close', () => resolve()))
  }
}

function connect(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: CONNECT_MS })
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    socket.once('error', fail)
    socket.once('timeout', () => fail(new Error(`${host} does not answer`)))
    socket.once('connect', () => {
      socket.setTimeout(0).removeAllListeners('timeout').off('error', fail)
      resolve(socket)
    })
  })
}
