import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { DarError } from '../support/errors.ts'
import { hubFile } from './hub-file.ts'
import { parseHubReference } from './hub-reference.ts'
import { COMMIT, FakeHub, gitHash, sha256 } from './testing.ts'

const noise = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * i * 31 + (i >> 8)) & 255))

describe('a file of the Hub', () => {
  const hub = new FakeHub()
  let hubUrl = ''
  let cacheFolder = ''
  const bytes = noise(300_000)
  beforeAll(async () => {
    hubUrl = await hub.start()
  })
  afterAll(() => hub.stop())
  beforeEach(async () => {
    hub.reset()
    hub.files.set('model.safetensors', { bytes, kind: 'lfs' })
    cacheFolder = await temporaryFolder()
    for (const name of ['HF_HUB_OFFLINE', 'HF_TOKEN', 'HF_ENDPOINT']) vi.stubEnv(name, '')
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
  })
  const fetchFile = (text = 'hub:owner/name', options: Parameters<typeof hubFile>[1] = {}) =>
    hubFile(text, { hubUrl, cacheFolder, ...options })
  const refusal = async (promise: Promise<string>) => {
    const error = await promise.then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(DarError)
    return (error as DarError).message
  }
  const blobs = () => readdir(join(cacheFolder, 'models--owner--name', 'blobs'))
  const downloads = () => hub.requests.filter((line) => line.includes('/resolve/') && !line.endsWith('bytes=0-0'))

  it('is downloaded whole, in the layout of the Hub’s own cache, with progress', async () => {
    const seen: [number, number][] = []
    const path = await fetchFile(undefined, { onProgress: (done, total) => seen.push([done, total]) })
    expect(sha256(await readFile(path))).toBe(sha256(bytes))
    expect(path).toBe(join(cacheFolder, 'models--owner--name', 'snapshots', COMMIT, 'model.safetensors'))
    expect(await readFile(join(cacheFolder, 'models--owner--name', 'refs', 'main'), 'utf8')).toBe(COMMIT)
    expect(await blobs()).toEqual([sha256(bytes)])
    expect(seen[0]).toEqual([0, bytes.length])
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length])
    expect(downloads()).toEqual([`GET /owner/name/resolve/${COMMIT}/model.safetensors`])
  })

  it('comes from the cache the next time, without the network', async () => {
    const path = await fetchFile()
    hub.requests.length = 0
    expect(await fetchFile()).toBe(path)
    expect(await fetchFile('hub:owner/name/model.safetensors', { network: 'forbidden' })).toBe(path)
    expect(await fetchFile(`hub:owner/name@${COMMIT}`, { hubUrl: 'http://127.0.0.1:1' })).toBe(path)
    expect(hub.requests).toEqual([])
  })

  it('that was interrupted goes on where it stopped', async () => {
    hub.cutAfter = 100_000
    expect(await refusal(fetchFile())).toMatch(/hub:owner\/name: the download from .* failed .*goes on from there/)
    expect(await blobs()).toEqual([`${sha256(bytes)}.incomplete`])
    const kept = (await readFile(join(cacheFolder, 'models--owner--name', 'blobs', `${sha256(bytes)}.incomplete`)))
      .length
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThanOrEqual(100_000)
    hub.requests.length = 0
    const seen: number[] = []
    const path = await fetchFile(undefined, { onProgress: (done) => seen.push(done) })
    expect(seen[0]).toBe(kept)
    expect(downloads()).toEqual([
      `GET /owner/name/resolve/${COMMIT}/model.safetensors bytes=${kept}-${bytes.length - 1}`,
    ])
    expect(sha256(await readFile(path))).toBe(sha256(bytes))
    expect(await blobs()).toEqual([sha256(bytes)])
  })

  it.each([
    ['whose beginning is of something else', 'honoured', Buffer.alloc(1000, 7)],
    ['of a server that ignores ranges', 'ignored', bytes.subarray(0, 1000)],
    ['of which more is here than there is', 'honoured', Buffer.concat([bytes, bytes])],
  ] as const)('%s is fetched anew', async (_, ranges, beginning) => {
    hub.cutAfter = 10
    await refusal(fetchFile())
    await writeFile(join(cacheFolder, 'models--owner--name', 'blobs', `${sha256(bytes)}.incomplete`), beginning)
    hub.ranges = ranges
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
  })

  it('is refused, and nothing of it kept, when its hash is not the announced one', async () => {
    hub.files.set('model.safetensors', { bytes, kind: 'lfs', hash: sha256(noise(5)) })
    expect(await refusal(fetchFile())).toMatch(
      new RegExp(
        `not what the Hub announced \\(its hash is ${sha256(bytes)}, not ${sha256(noise(5))}\\); nothing of it was kept`,
      ),
    )
    expect(await blobs()).toEqual([])
    expect(await refusal(fetchFile(undefined, { network: 'forbidden' }))).toMatch(/is not in the cache/)
  })

  it('that git stores itself is checked by git’s hash', async () => {
    hub.files.set('small.safetensors', { bytes: noise(100), kind: 'git' })
    expect(sha256(await readFile(await fetchFile('hub:owner/name/small.safetensors')))).toBe(sha256(noise(100)))
    hub.files.set('other.safetensors', { bytes: noise(100), kind: 'git', hash: gitHash(noise(99)) })
    expect(await refusal(fetchFile('hub:owner/name/other.safetensors'))).toMatch(/not what the Hub announced/)
  })

  it('may be the only weights of a repository, whatever their name', async () => {
    hub.files.clear()
    hub.files.set('dinov2/vits14.safetensors', { bytes, kind: 'lfs' })
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
    hub.files.set('vitb14.safetensors', { bytes, kind: 'lfs' })
    await rm(join(cacheFolder, 'models--owner--name'), { recursive: true })
    expect(await refusal(fetchFile())).toBe(
      'hub:owner/name: the repository has no model.safetensors; it has dinov2/vits14.safetensors, vitb14.safetensors',
    )
  })

  it('that is not there is an error that names the weights that are', async () => {
    expect(await refusal(fetchFile('hub:owner/name/a/b.safetensors'))).toBe(
      'hub:owner/name/a/b.safetensors: the repository has no a/b.safetensors; it has model.safetensors',
    )
    expect(await refusal(fetchFile('hub:owner/none'))).toMatch(
      /does not show owner\/none \(status 404\); check the name/,
    )
  })

  it('of a gated repository needs a token', async () => {
    hub.token = 'hf_secret'
    expect(await refusal(fetchFile())).toMatch(/\(status 401\).* set HF_TOKEN/)
    vi.stubEnv('HF_TOKEN', 'hf_secret')
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
  })

  it.each([
    ['large', 'lfs'],
    ['small', 'git'],
  ] as const)('that is %s and damaged in the cache is fetched anew, or refused where it cannot be', async (_, kind) => {
    hub.files.set('model.safetensors', { bytes, kind })
    const path = await fetchFile()
    const flipped = Buffer.from(bytes)
    flipped[123_456] ^= 1
    await writeFile(path, flipped)
    expect(await refusal(fetchFile(undefined, { network: 'forbidden' }))).toMatch(
      /model\.safetensors is damaged: its bytes/,
    )
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
    hub.requests.length = 0
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
    expect(hub.requests).toEqual([])
  })

  it('is whole for both of two that download it at once', async () => {
    const [one, other] = await Promise.all([fetchFile(), fetchFile()])
    expect([one, other].map((path) => path.startsWith(cacheFolder))).toEqual([true, true])
    expect(sha256(await readFile(one))).toBe(sha256(bytes))
    expect(await blobs()).toEqual([sha256(bytes)])
  })

  it('is asked for with a token that is never shown', async () => {
    hub.token = 'hf_0123456789abcdef'
    vi.stubEnv('HF_TOKEN', `${hub.token}\n`) // as $(cat token) of another shell leaves it
    expect(sha256(await readFile(await fetchFile()))).toBe(sha256(bytes))
    await rm(join(cacheFolder, 'models--owner--name'), { recursive: true })
    for (const token of ['hf_0123456789\nabcdef', 'hf_0123456789 abcdef', 'hf_0123456789é']) {
      vi.stubEnv('HF_TOKEN', token)
      const message = await refusal(fetchFile())
      expect(message).toContain('the access token (HF_TOKEN) has spaces, line breaks or other characters')
      expect(message).not.toContain('0123456789')
    }
  })

  it.each([
    'http://me:pa55word@127.0.0.1:1',
    'http://pa55word@127.0.0.1:1/',
    'ftp://me:pa55word@host',
    'me:pa55word@host',
  ])('is not fetched from %s, which would show a password', async (endpoint) => {
    vi.stubEnv('HF_ENDPOINT', endpoint)
    const message = await refusal(hubFile('hub:owner/name', { cacheFolder }))
    expect(message).toMatch(/^HF_ENDPOINT /)
    expect(message).not.toContain('pa55word')
  })

  it('is not looked for on the network when that is forbidden', async () => {
    expect(await refusal(fetchFile(undefined, { network: 'forbidden' }))).toMatch(
      /hub:owner\/name is not in the cache .*download it once without --offline/,
    )
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await refusal(fetchFile())).toMatch(/is not in the cache/)
    expect(hub.requests).toEqual([])
  })

  it('is cached in $DAR_CACHE, else where the Hub’s clients keep theirs', async () => {
    vi.stubEnv('DAR_CACHE', cacheFolder)
    const path = await hubFile('hub:owner/name', { hubUrl })
    expect(path.startsWith(join(cacheFolder, 'hub', 'models--owner--name'))).toBe(true)
    vi.stubEnv('DAR_CACHE', '')
    vi.stubEnv('HF_HUB_CACHE', join(cacheFolder, 'hub'))
    expect(await hubFile('hub:owner/name', { network: 'forbidden' })).toBe(path)
  })

  it('that cannot be reached says what to do', async () => {
    const unreachable = fetchFile(undefined, { hubUrl: 'http://127.0.0.1:1' })
    expect(await refusal(unreachable)).toMatch(/the download from http:\/\/127\.0\.0\.1:1 failed .*run it again/)
  })
})

describe('a reference to the Hub', () => {
  it.each([
    ['hub:facebook/dinov2-small', { repo: 'facebook/dinov2-small', revision: 'main', file: null }],
    ['hub:a/b/c/d.safetensors', { repo: 'a/b', revision: 'main', file: 'c/d.safetensors' }],
    ['hub:a/b@v1.0/d.safetensors', { repo: 'a/b', revision: 'v1.0', file: 'd.safetensors' }],
  ])('%s', (text, expected) => {
    expect(parseHubReference(text)).toEqual(expected)
  })

  it.each(['hub:', 'hub:name', 'hub:a/b/../../c', 'hub:../b', 'hub:a/b@../x', 'hub:a/b//c', 'hub:a/b/C:\\x', 'a/b'])(
    'is not %s',
    (text) => {
      expect(() => parseHubReference(text)).toThrow(DarError)
    },
  )
})
