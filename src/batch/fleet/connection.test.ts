import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/temporary-folder.ts'
import { connectFleet, library, parseFleetUrl, persistently } from './connection.ts'
import { hasNatsServer, type NatsServer, startNats } from './testing.ts'

describe('the URL of a fleet', () => {
  it.each([
    ['localhost', { server: 'localhost:4222', name: 'dar', isSecure: false, login: {} }],
    ['nats://h:99/photos', { server: 'h:99', name: 'photos', isSecure: false, login: {} }],
    ['tls://me:p%40ss@h/x_1', { server: 'h:4222', name: 'x_1', isSecure: true, login: { user: 'me', pass: 'p@ss' } }],
    ['nats://token@h', { server: 'h:4222', name: 'dar', isSecure: false, login: { token: 'token' } }],
    ['nats://[::1]:7/a/', { server: '[::1]:7', name: 'a', isSecure: false, login: {} }],
  ])('%s is read', (text, expected) => {
    expect(parseFleetUrl(text)).toEqual(expected)
  })

  it.each(['', 'http://h/x', 'nats://user:secret@/x', 'nats://user:secret@h/a.b', 'nats://user:secret@h/a/b'])(
    '%j is refused in words that hold no password',
    (text) => {
      expect(() => parseFleetUrl(text)).toThrow(/^--stream/)
      expect(() => parseFleetUrl(text)).not.toThrow(/secret/)
    },
  )
})

describe('a server that is not there', () => {
  it('is named with the remedy, without the password', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { readonly port: number }
    await new Promise((resolve) => listener.close(resolve))
    const message = await connectFleet({ url: `nats://me:secret@127.0.0.1:${port}/x` }).catch(({ message }) => message)
    expect(message).toMatch(
      /^cannot reach the NATS server of nats:\/\/127\.0\.0\.1:\d+\/x within 10 s .*nats-server -js/,
    )
    expect(message).not.toMatch(/secret/)
  })

  it('that does not answer is given up when the patience ends', async () => {
    const listener = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const { port } = listener.address() as { readonly port: number }
    await expect(connectFleet({ url: `127.0.0.1:${port}`, patience: 300 })).rejects.toThrow(/within 0.3 s/)
    listener.close()
  })

  it('is asked again while it is gone, and given up in the end', async () => {
    let asked = 0
    const timeout = Object.assign(new Error('timeout'), { name: 'TimeoutError' })
    const work = async () => {
      if (++asked < 3) throw timeout
      return 'there'
    }
    expect(await persistently({ address: 'a' }, work)).toBe('there')
    const never = () => Promise.reject(timeout)
    await expect(persistently({ address: 'nats://a' }, never, { most: 100 })).rejects.toThrow(
      /nats:\/\/a has been gone/,
    )
    await expect(persistently({ address: 'a' }, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  })

  it('a package that is not there is named', async () => {
    const absent = library('@nats-io/none', () => Promise.reject(new Error("Cannot find package '@nats-io/none'")))
    await expect(absent).rejects.toThrow(/needs the package @nats-io\/none.*npm install @nats-io\/none/)
  })
})

describe.skipIf(!hasNatsServer)('a server with a login', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await startNats(await temporaryFolder(), '--user', 'me', '--pass', 'secret')
  })
  afterAll(() => server.stop())

  it('is entered with it, and refuses others in words without the password', async () => {
    const connection = await connectFleet({ url: `nats://me:secret@${server.address}/x` })
    expect(connection.address).toBe(`nats://${server.address}/x`)
    await connection.close()
    const message = await connectFleet({ url: `nats://me:wrong@${server.address}/x` }).catch(({ message }) => message)
    expect(message).toMatch(/refuses the login/)
    expect(message).not.toMatch(/wrong|secret/)
  })
})
