/**
 * Files from the Hugging Face Hub. The Hub's client library speaks the protocol, but it neither resumes a download nor
 * checks its hash, so both are done here. A file that is in the cache is used without a request: a command gives the
 * same result tomorrow, and works offline. To get a newer version, name a revision. The bytes of a cached file are compared
 * with its hash at every use; a damaged file is downloaded again.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { downloadFile, HUB_URL, HubApiError, listFiles, modelInfo, type PathInfo, pathsInfo } from '@huggingface/hub'
import { DarError, messageOf } from '../support/errors.ts'
import { syncFolder } from '../support/files.ts'
import { lockFolder } from '../support/folder-lock.ts'
import { makeFolder } from '../support/folders.ts'
import { redacted } from '../support/printable.ts'
import { temporaryBeside } from '../support/temporary.ts'
import { withoutTrailingSlashes } from '../support/text.ts'
import { defaultCacheFolder, HubCache, isWhole } from './hub-cache.ts'
import { type HubReference, hubReferenceText, parseHubReference } from './hub-reference.ts'

export interface HubOptions {
  /** Default: `HF_ENDPOINT`, else https://huggingface.co. */
  readonly hubUrl?: string
  /** Default: `$DAR_CACHE/hub`, else the Hub's own cache folder. */
  readonly cacheFolder?: string
  /** `forbidden`: only the cache. Default: allowed, unless `HF_HUB_OFFLINE=1`. */
  readonly network?: 'allowed' | 'forbidden'
  /** For gated and private repositories; default: `HF_TOKEN`. */
  readonly accessToken?: string
  /** Bytes that are here, of all; called as they come in. */
  readonly onProgress?: (done: number, total: number) => void
  /** When it is aborted, the download ends and its reason is thrown; what came in is kept, and the next one goes on from there. */
  readonly signal?: AbortSignal
}

interface Remote extends HubReference {
  readonly hubUrl: string
  readonly accessToken?: string
  /** Every request ends when the caller's signal is aborted. */
  readonly fetch?: typeof fetch
}

/**
 * The path of a file `hub:owner/name[@revision][/file]`, downloaded unless it is in the cache. Without a file: model.safetensors,
 * or the one .safetensors file that there is. A download that was interrupted goes on where it stopped. Throws a DarError when
 * there is no such file, the network fails or is forbidden, or the bytes are not those that the Hub announced.
 */
export async function hubFile(text: string, options: HubOptions = {}): Promise<string> {
  const reference = parseHubReference(text)
  const {
    hubUrl = process.env.HF_ENDPOINT || HUB_URL,
    cacheFolder = defaultCacheFolder(),
    network = isSet(process.env.HF_HUB_OFFLINE) ? 'forbidden' : 'allowed',
    onProgress,
    signal,
  } = options
  signal?.throwIfAborted()
  const accessToken = checkedToken(options.accessToken ?? process.env.HF_TOKEN)
  const cache = new HubCache(cacheFolder, reference.repo)
  const cached = await cache.find(reference)
  if (cached !== null && (await isWhole(cached))) return cached
  if (network === 'forbidden' && cached !== null)
    throw new DarError(
      `${cached} is damaged: its bytes are not those that the Hub announced; download it again without --offline ` +
        '(`offline: true`, HF_HUB_OFFLINE)',
      { kind: 'model' },
    )
  if (network === 'forbidden')
    throw new DarError(
      `${text} is not in the cache ${cacheFolder}, and the network is not allowed; download it once without --offline ` +
        '(`offline: true`, HF_HUB_OFFLINE), or give a file',
    )
  const remote: Remote = { ...reference, hubUrl: checkedUrl(hubUrl), accessToken, ...(signal && stoppedBy(signal)) }
  try {
    const { sha: commit } = await modelInfo({ name: remote.repo, additionalFields: ['sha'], ...remote })
    const at = { ...remote, revision: commit } // a push during the download cannot mix two versions
    const info = await weightsInfo(at, text)
    const hash = info.lfs?.oid ?? info.oid ?? ''
    refuseUnsafe(text, { commit, hash, path: info.path })
    const blob = cache.blob(hash)
    if (!(await isWhole(blob))) await download(at, info, blob, { text, onProgress })
    return await cache.publish(blob, { file: info.path, commit, revision: reference.revision })
  } catch (error) {
    signal?.throwIfAborted()
    throw asDarError(error, text, remote)
  }
}

const stoppedBy = (signal: AbortSignal): Pick<Remote, 'fetch'> => ({
  fetch: (input, init) => fetch(input, { ...init, signal }),
})

/** Checks what a server says before it becomes part of a path in the cache. */
function refuseUnsafe(
  text: string,
  { commit, hash, path }: { readonly commit: string; readonly hash: string; readonly path: string },
): void {
  parseHubReference(`hub:owner/name/${path}`)
  if (!/^[0-9a-f]{40}$/.test(commit) || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hash))
    throw new DarError(`${text}: the server answers with the commit "${commit}" and the hash "${hash}", which are none`)
}

const isSet = (value: string | undefined) => /^(?:1|true|yes|on)$/i.test(value ?? '')

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

/** The file that a reference means, with its size and hash. */
async function weightsInfo(remote: Remote, text: string): Promise<PathInfo> {
  const wanted = remote.file ?? 'model.safetensors'
  const infoOf = async (path: string) =>
    (await pathsInfo({ ...remote, paths: [path] })).find((info) => info.type === 'file' && info.path === path)
  const info = await infoOf(wanted)
  if (info) return info
  const weights: string[] = []
  for await (const { path } of listFiles({ ...remote, recursive: true }))
    if (path.endsWith('.safetensors')) weights.push(path)
  const only = remote.file === null && weights.length === 1 ? await infoOf(weights[0]) : undefined
  if (only) return only
  const there = weights.length > 0 ? `it has ${weights.join(', ')}` : 'it has no .safetensors file at all'
  throw new DarError(`${text}: the repository has no ${wanted}; ${there}`, { kind: 'missing' })
}

/** Completes `blob`. Bytes of an earlier, interrupted download are kept if the whole has the right hash. */
async function download(
  remote: Remote,
  info: PathInfo,
  blob: string,
  { text, onProgress }: Pick<HubOptions, 'onProgress'> & { readonly text: string },
): Promise<void> {
  await makeFolder(dirname(blob))
  // Two that download at once must not write into one file: the second has one of its own, which it cannot go on with later.
  const lock = lockedOrNull(dirname(blob), text)
  const partial = lock ? `${blob}.incomplete` : temporaryBeside(blob)
  try {
    await complete(remote, info, { blob, partial, text, onProgress })
  } finally {
    await lock?.dispose()
  }
}

function lockedOrNull(folder: string, text: string) {
  try {
    return lockFolder(folder, `download of ${text}`)
  } catch (error) {
    if (error instanceof DarError && error.kind !== 'output') return null
    throw error
  }
}

async function complete(
  remote: Remote,
  info: PathInfo,
  {
    blob,
    partial,
    text,
    onProgress,
  }: Pick<HubOptions, 'onProgress'> & Readonly<Record<'blob' | 'partial' | 'text', string>>,
): Promise<void> {
  const before = await sizeOf(partial)
  if (before > info.size) await rm(partial)
  let problem = await fetchRest(remote, info, partial, onProgress)
  if (problem && before > 0) {
    // The earlier part may belong to another version: start again, once.
    await rm(partial, { force: true })
    problem = await fetchRest(remote, info, partial, onProgress)
  }
  if (problem) {
    await rm(partial, { force: true })
    throw new DarError(`${text}: the download is ${problem}; nothing of it was kept, try again`, { kind: 'network' })
  }
  await rename(partial, blob)
  await syncFolder(dirname(blob))
}

/** Appends the missing bytes to `partial`. Returns what is wrong with the whole file, or null. */
async function fetchRest(
  remote: Remote,
  info: PathInfo,
  partial: string,
  onProgress: HubOptions['onProgress'],
): Promise<string | null> {
  const { size, path } = info
  // LFS files are known by the SHA-256 of their bytes, small ones by git's SHA-1 of a header and their bytes.
  const hash: Hash = info.lfs ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  let done = await sizeOf(partial)
  if (done > 0) for await (const chunk of createReadStream(partial)) hash.update(chunk as Buffer)
  onProgress?.(done, size)
  if (done < size) {
    const whole = await downloadFile({ ...remote, repo: remote.repo, path, xet: false })
    if (!whole)
      throw new DarError(`${hubReferenceText({ ...remote, file: path })}: the Hub lists it but does not have it`, {
        kind: 'missing',
      })
    const file = await open(partial, 'a')
    try {
      const rest = done > 0 ? whole.slice(done, size) : whole
      for await (const chunk of rest.stream() as unknown as AsyncIterable<Uint8Array>) {
        await file.writeFile(chunk)
        hash.update(chunk)
        done += chunk.byteLength
        onProgress?.(done, size)
        if (done > size) break // a server without range requests sends the whole file again
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }
  if (done < size) throw new Error(`the connection ended after ${done} of ${size} bytes`)
  if (done > size) return `longer than the ${size} bytes that the Hub announced`
  const [actual, expected] = [hash.digest('hex'), info.lfs?.oid ?? info.oid]
  return actual === expected ? null : `not what the Hub announced (its hash is ${actual}, not ${expected})`
}

/** Line breaks around a token are a file's; one inside, as any other character that no header may have, is a mistake. */
function checkedToken(token: string | undefined): string | undefined {
  const trimmed = token?.trim()
  if (!trimmed) return undefined
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw new DarError(
      'the access token (HF_TOKEN) has spaces, line breaks or other characters that no token has; set it again',
    )
  return trimmed
}

/** Without slashes at its end. A name and password in it would end up in messages and logs, and are refused as fetch does. */
function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw new DarError(`HF_ENDPOINT ${redacted(text)} is no address of a server; give one such as ${HUB_URL}`)
  if (url.username !== '' || url.password !== '')
    throw new DarError(`HF_ENDPOINT ${redacted(text)} holds a name or password; leave it out, and set HF_TOKEN instead`)
  return withoutTrailingSlashes(text)
}

function asDarError(error: unknown, text: string, { hubUrl, repo, accessToken }: Remote): Error {
  if (error instanceof DarError) return error
  const status = error instanceof HubApiError ? error.statusCode : null
  if (status === 401 || status === 403 || status === 404) {
    const remedy = accessToken
      ? 'check the name, and that your token may read it'
      : 'check the name; for a gated or private repository set HF_TOKEN'
    return new DarError(`${text}: ${hubUrl} does not show ${repo} (status ${status}); ${remedy}`, { kind: 'missing' })
  }
  const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error)
  const reason = redacted(cause, { secrets: [accessToken] })
  return new DarError(
    `${text}: the download from ${hubUrl} failed (${reason}); run it again: what came in is kept and it goes on from there`,
    { kind: 'network' },
  )
}
