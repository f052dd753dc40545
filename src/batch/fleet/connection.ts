/**
 * A connection to a NATS server with JetStream. The library is an optional dependency and is loaded here, when a fleet is used. What a URL or
 * file holds of credentials never gets into a message: servers are called by host and port.
 */
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { DarError, messageOf } from '../../support/errors.ts'
import { readTextFile } from '../../support/read-file.ts'

/** How a fleet's server is reached. */
export interface FleetOptions {
  /** `nats://[user:password@|token@]host[:port]/NAME`, or `tls://…`; NAME is the fleet's, by default `dar`. */
  readonly url: string
  /** A file with a user's JWT and seed, as `nsc` makes it. */
  readonly creds?: string
  /** PEM files for TLS: the authority that signed the server's certificate, and the client's own. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  /** Milliseconds until the first connection, and each answer, must be there. Default 10,000. */
  readonly patience?: number
}

/** An open connection. */
export interface FleetConnection {
  /** Of the fleet. */
  readonly name: string
  /** `nats://host:port/NAME`, without credentials. */
  readonly address: string
  readonly manager: JetStreamManager
  readonly stream: JetStreamClient
  /** The largest message in bytes. */
  readonly mostBytes: number
  readonly patience: number
  close(): Promise<void>
}

interface Address {
  readonly server: string
  readonly name: string
  readonly isSecure: boolean
  readonly login: Pick<NodeConnectionOptions, 'user' | 'pass' | 'token'>
}

const DEFAULT_PORT = '4222'
const DEFAULT_NAME = 'dar'

/** Reads the URL of a fleet. Throws a DarError, which does not repeat what may be a password. */
export function parseFleetUrl(text: string): Address {
  const isWhole = /^(nats|tls):\/\//.test(text)
  const url = URL.canParse(isWhole ? text : `nats://${text}`) ? new URL(isWhole ? text : `nats://${text}`) : null
  if (!url?.hostname || !/^(nats|tls):$/.test(url.protocol))
    throw new DarError(
      '--stream: give nats://host:port/NAME, with user:password@ before the host where the server asks',
    )
  const name = url.pathname.replace(/^\//, '').replace(/\/$/, '') || DEFAULT_NAME
  if (!/^[\w-]{1,40}$/.test(name))
    throw new DarError(`--stream: the name '${name}' of the fleet is none; take letters, digits, - and _`)
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  const login = user === '' ? {} : pass === '' ? { token: user } : { user, pass }
  return { server: `${url.hostname}:${url.port || DEFAULT_PORT}`, name, isSecure: url.protocol === 'tls:', login }
}

/** Connects. Throws a DarError, one line, when the server cannot be reached, refuses the login, or has no JetStream. */
export async function connectFleet({ url, creds, tls, patience = 10_000 }: FleetOptions): Promise<FleetConnection> {
  const { server, name, isSecure, login } = parseFleetUrl(url)
  const address = `${isSecure ? 'tls' : 'nats'}://${server}/${name}`
  const { connect, credsAuthenticator } = await library(
    '@nats-io/transport-node',
    () => import('@nats-io/transport-node'),
  )
  const { jetstreamManager } = await library('@nats-io/jetstream', () => import('@nats-io/jetstream'))
  const authenticator =
    creds === undefined ? undefined : credsAuthenticator(new TextEncoder().encode(await readTextFile(creds)))
  let connection: NatsConnection | null = null
  try {
    connection = await connect({
      servers: server,
      name: `dar batch ${process.pid}`,
      timeout: patience,
      // A server that restarts is waited for: `persistently` decides for how long.
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      ignoreClusterUpdates: false,
      ...login,
      ...(authenticator && { authenticator }),
      ...((isSecure || tls) && { tls: { caFile: tls?.ca, certFile: tls?.cert, keyFile: tls?.key } }),
    })
    const manager = await jetstreamManager(connection, { timeout: patience })
    const open = connection
    return {
      name,
      address,
      manager,
      stream: manager.jetstream(),
      mostBytes: connection.info?.max_payload ?? 2 ** 20,
      patience,
      close: () => open.close(),
    }
  } catch (error) {
    await connection?.close().catch(() => {})
    throw unreachable(error, address, patience)
  }
}

function unreachable(error: unknown, address: string, patience: number): DarError {
  const name = error instanceof Error ? error.name : ''
  const reason = messageOf(error).split('\n')[0]
  if (name === 'JetStreamNotEnabled' || /jetstream.*not enabled|no responders/i.test(reason))
    return new DarError(`the server of ${address} runs without JetStream; start it with nats-server -js`, {
      kind: 'network',
    })
  if (name === 'AuthorizationError' || /authori[sz]ation|authentication/i.test(reason))
    return new DarError(
      `the server of ${address} refuses the login; give user:password@ in the URL, or the right file to --creds`,
      { kind: 'network' },
    )
  return new DarError(
    `cannot reach the NATS server of ${address} within ${patience / 1000} s (${reason}); check the address, and that nats-server -js runs there`,
    { kind: 'network' },
  )
}

/** Loads an optional dependency. Throws a DarError that names it when it is not there. */
export async function library<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    throw new DarError(
      `this needs the package ${name}, which is not installed (${messageOf(error).split('\n')[0]}); npm install ${name}`,
      {
        kind: 'missing',
      },
    )
  }
}

/** The longest that a server which has gone is waited for, in milliseconds. */
const GONE_MS = 5 * 60_000

/**
 * Calls `work` again, ever more slowly, while the server is gone: it may restart. Only for calls that do no harm when they are done twice.
 * Refusals (a stream that is not there, a wrong sequence) are thrown at once.
 */
export async function persistently<Result>(
  { address }: Pick<FleetConnection, 'address'>,
  work: () => Promise<Result>,
  { most = GONE_MS }: { readonly most?: number } = {},
): Promise<Result> {
  const begin = performance.now()
  for (let wait = 200; ; wait = Math.min(5_000, 2 * wait)) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error)) throw error
      if (performance.now() - begin + wait > most)
        throw new DarError(
          `the NATS server of ${address} has been gone for ${Math.round((performance.now() - begin) / 1000)} s; start it again, then this`,
          { kind: 'network' },
        )
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

const PASSING = new Set(['TimeoutError', 'RequestError', 'NoRespondersError', 'ConnectionError'])

/** Whether the server did not answer, as against a refusal. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return PASSING.has(error.name) || /timeout|no responders|heartbeats missed|disconnect/i.test(error.message)
}
