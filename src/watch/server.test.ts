import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { DarError } from '../support/errors.ts'
import { lockFolder } from '../support/folder-lock.ts'
import { Pictures } from '../train/pictures.ts'
import { writeReport } from './report.ts'
import { serveRun, type WatchServer } from './server.ts'
import { appendLog, startEvent, stepEvent, validationEvent } from './testing.ts'

let run = ''
let server: WatchServer
beforeEach(async () => {
  run = join(await temporaryFolder(), 'run')
  server = await serveRun(run, { port: 0 })
})
afterEach(() => server.dispose())

/** A request as it is written: no client tidies the path. */
function ask(path: string, { method = 'GET', host = '' } = {}) {
  const { port } = new URL(server.url)
  const headers = { host: host || `127.0.0.1:${port}` }
  return new Promise<{ status: number; body: Buffer; headers: Record<string, unknown> }>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, headers }, async (response) => {
      const parts: Buffer[] = []
      for await (const part of response) parts.push(part)
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts), headers: response.headers })
    })
      .on('error', reject)
      .end()
  })
}
const text = async (path: string) => String((await ask(path)).body)

/** The pictures after one update, of one image whose name is no plain text. */
async function drawPictures(step: number): Promise<void> {
  const size = { width: 16, height: 8 }
  const pictures = new Pictures(run, { count: 1, sets: ['rooms'], ...size, dMax: 10 })
  const plane = new Float32Array(128).fill(2)
  const frame = { set: 'rooms', name: 'a<b>"c', index: 0, images: 1, depth: plane, scale: 1 }
  pictures.look({ ...frame, image: new Float32Array(3 * 128), maps: [plane, plane], abs_rel: [0.5, 0.25] })
  await pictures.write(step)
}

describe('the page of a run', () => {
  it('is there before the run is, and fills as the log grows', async () => {
    expect(await text('/')).toContain('the log is still empty')
    const lock = lockFolder(run, 'a test')
    await appendLog(run, [startEvent(0), ...Array.from({ length: 20 }, (_, i) => stepEvent(i))])
    const page = await text('/')
    expect(page).toContain('running')
    expect(page).toContain('20 of 100')
    expect(page).toContain('1 min 20 s') // left
    expect(page).toMatch(/<path data-label="loss" d="M[\d.]+ [\d.]+L/)
    const { version, sections } = JSON.parse(await text('/live?version='))
    expect(Object.keys(sections)).toContain('validation')
    expect(sections.validation).toBe('')
    // What the page has already is not sent again.
    expect(Object.keys(JSON.parse(await text(`/live?version=${version}`)).sections)).toEqual(['head'])
    await appendLog(run, [validationEvent(20)])
    const news = JSON.parse(await text(`/live?version=${version}`))
    expect(news.version).not.toBe(version)
    expect(news.sections.validation).toContain('&lt;b&gt;') // a set's name is text
    expect(news.sections.validation).not.toContain('<b>')
    await lock.dispose()
    expect(await text('/')).toContain('its process was killed; go on with --resume')
  })

  it.each([
    [{ event: 'end', step: 9, total: 100, seconds: 9, reason: 'done' }, '<p class="state good">done</p>'],
    [{ event: 'end', step: 9, total: 100, seconds: 9, reason: 'time' }, 'because time was up; go on with --resume'],
    [{ event: 'failed', step: 9, seconds: 9, message: 'a <bad> frame' }, 'failed: a &lt;bad&gt; frame'],
  ] as const)('says how it ended: %j', async (event, expected) => {
    await appendLog(run, [startEvent(0), stepEvent(0), event])
    expect(await text('/')).toContain(expected)
  })

  it('shows the pictures, newest first', async () => {
    await appendLog(run, [startEvent(0), stepEvent(0)])
    await drawPictures(10)
    await drawPictures(20)
    const page = await text('/')
    const sources = [...page.matchAll(/<img [^>]*src="([^"]+)"/g)].map(([, source]) => source)
    expect(sources).toHaveLength(8)
    expect(sources[0]).toBe('pictures/update-000020/0-photo.jpg')
    expect(page).toContain('a&lt;b&gt;&quot;c')
    const { status, headers, body } = await ask(`/${sources[3]}`)
    expect([status, headers['content-type']]).toEqual([200, 'image/jpeg'])
    expect(body).toEqual(await readFile(join(run, sources[3])))
  })
})

describe('the server', () => {
  it.each([
    '/log.jsonl',
    '/checkpoint.safetensors',
    '/../secret.jpg',
    '/pictures/../../secret.jpg',
    '/pictures/update-000010/../../../secret.jpg',
    '/pictures/update-000010/%2e%2e%2f%2e%2e%2fsecret.jpg',
    '/pictures/update-000010/..%5c..%5csecret.jpg',
    '/pictures/update-000010/index.json',
    '/pictures/update-000010/1-photo.jpg', // a link out of the folder
    '/pictures/update-000010/7-photo.jpg', // no such picture
    '/pictures/update-000010/',
    '//127.0.0.1/pictures/update-000010/secret.jpg',
    '/pictures/update-000010/0-photo.jpg%00',
  ])('does not give %s', async (path) => {
    await writeFile(join(run, '..', 'secret.jpg'), 'secret')
    await mkdir(join(run, 'pictures', 'update-000010'), { recursive: true })
    for (const file of ['log.jsonl', 'checkpoint.safetensors', 'pictures/update-000010/index.json'])
      await writeFile(join(run, file), 'secret')
    await symlink(join(run, '..', 'secret.jpg'), join(run, 'pictures', 'update-000010', '1-photo.jpg'))
    const { status, body } = await ask(path)
    expect(status).toBe(404)
    expect(String(body)).not.toContain('secret')
  })

  it('takes GET and HEAD only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask('/', { method })
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
    }
    const head = await ask('/', { method: 'HEAD' })
    expect([head.status, head.body.length]).toEqual([200, 0])
  })

  it('answers under the names of this machine only, so that no other page can read the run', async () => {
    expect((await ask('/', { host: 'evil.example:6007' })).status).toBe(403)
    expect((await ask('/live', { host: '127.0.0.1.evil.example' })).status).toBe(403)
    for (const host of ['localhost:8080', '127.0.0.1']) expect((await ask('/', { host })).status).toBe(200) // by ssh -L
  })

  it('allows the page to load nothing from elsewhere', async () => {
    const { headers } = await ask('/')
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/https?:|\*|script-src[^;]*unsafe/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(await text('/')).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })

  it('listens on 127.0.0.1 alone, and says when a port is taken', async () => {
    const { port, hostname } = new URL(server.url)
    expect(hostname).toBe('127.0.0.1')
    const other = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.2', port: Number(port) }, () => resolve('connected'))
      socket.on('error', ({ message }) => resolve(message))
    })
    expect(other).toMatch(/ECONNREFUSED|EADDRNOTAVAIL/)
    const error = await serveRun(run, { port: Number(port) }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DarError)
    expect((error as DarError).message).toMatch(
      /^cannot serve on port \d+ of 127\.0\.0\.1: it is in use; give another --port$/,
    )
  })

  it('goes on when the log cannot be read', async () => {
    await mkdir(join(run, 'log.jsonl'), { recursive: true })
    expect((await ask('/')).status).toBe(500)
    await rm(join(run, 'log.jsonl'), { recursive: true })
    expect((await ask('/')).status).toBe(200)
  })
})

describe('the report', () => {
  it('is one file with the curves, the last figures, the pictures, notes and recipe of a run that was stopped', async () => {
    await appendLog(run, [
      startEvent(0),
      ...Array.from({ length: 20 }, (_, i) => stepEvent(i)),
      { event: 'warning', step: 19, seconds: 20, message: 'a <warning>' },
      validationEvent(20),
      { event: 'end', step: 20, total: 100, seconds: 20, reason: 'interrupted' },
    ])
    await drawPictures(10)
    await drawPictures(20)
    const path = await writeReport(run)
    expect(path).toBe(join(run, 'report.html'))
    const page = await readFile(path, 'utf8')
    for (const part of [
      '20 of 100',
      'it was interrupted',
      '0.2500',
      'a note',
      'a &lt;warning&gt;',
      'data-label="loss"',
    ])
      expect(page, part).toContain(part)
    const sources = [...page.matchAll(/<img [^>]*src="([^"]{30})/g)].map(([, source]) => source)
    expect(sources).toHaveLength(4) // of the last validation
    for (const source of sources) expect(source).toMatch(/^data:image\/jpeg;base64,\/9j/)
    expect(page).not.toMatch(/fetch\(|(?:src|href)="(?!data:)/)
  })
})
