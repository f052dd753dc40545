/**
 * The cache folder of downloads, laid out as the Hub's own clients do it. Files that Python has downloaded are found
 * here, and vice versa:
 *
 *     models--owner--name/refs/main                        the commit that `main` was
 *     models--owner--name/snapshots/<commit>/<file>        a link to
 *     models--owner--name/blobs/<sha256 or git hash>       the bytes, and <hash>.incomplete while they come in
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, readdir, realpath, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { getHFHubCachePath } from '@huggingface/hub'
import { messageOf } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import { makeFolder } from '../support/folders.ts'
import { readTextFile } from '../support/read-file.ts'
import type { HubReference } from './hub-reference.ts'

const COMMIT = /^[0-9a-f]{40}$/

/** `$DAR_CACHE/hub`, else the Hub's own cache (`HF_HUB_CACHE`, `HF_HOME`, ~/.cache/huggingface/hub). */
export function defaultCacheFolder(): string {
  return process.env.DAR_CACHE ? join(process.env.DAR_CACHE, 'hub') : getHFHubCachePath()
}

export class HubCache {
  private readonly folder: string

  constructor(cache: string, repo: string) {
    this.folder = join(cache, `models--${repo.replace('/', '--')}`)
  }

  /** The file of a reference, if it is here; without a file, the weights that were downloaded at that revision. */
  async find({ revision, file }: Pick<HubReference, 'revision' | 'file'>): Promise<string | null> {
    const commit = COMMIT.test(revision) ? revision : await this.commitOf(revision)
    if (commit === null) return null
    const snapshot = join(this.folder, 'snapshots', commit)
    if (file !== null) return (await exists(join(snapshot, file))) ? join(snapshot, file) : null
    const weights = (await readdir(snapshot).catch(() => [])).filter((name) => name.endsWith('.safetensors'))
    const name = weights.includes('model.safetensors') ? 'model.safetensors' : weights.length === 1 ? weights[0] : null
    return name !== null && (await exists(join(snapshot, name))) ? join(snapshot, name) : null
  }

  private async commitOf(revision: string): Promise<string | null> {
    const text = await readTextFile(join(this.folder, 'refs', revision)).catch(() => '')
    return COMMIT.test(text.trim()) ? text.trim() : null
  }

  blob(hash: string): string {
    return join(this.folder, 'blobs', hash)
  }

  /** Names a blob that is complete: `file` at `commit`, which `revision` is now. Returns its path. */
  async publish(
    blob: string,
    { file, commit, revision }: { readonly file: string; readonly commit: string; readonly revision: string },
  ): Promise<string> {
    const path = join(this.folder, 'snapshots', commit, file)
    await makeFolder(dirname(path))
    await rm(path, { force: true }) // the link may point to a blob that is gone
    await symlink(relative(dirname(path), blob), path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return // of another process that downloads the same
      if (error.code !== 'EPERM' && error.code !== 'ENOTSUP')
        throw new Error(`cannot link ${path}: ${messageOf(error)}`)
      await copyFile(blob, path) // on Windows without the right to make links
    })
    if (!COMMIT.test(revision)) await writeFileAtomically(join(this.folder, 'refs', revision), commit)
    return path
  }
}

/**
 * Whether the bytes of a file are those that its blob is named after: SHA-256 of large files, git's SHA-1 of small ones. A file
 * that is no link to a blob has no such name and counts as whole; one that is not there or empty does not.
 */
export async function isWhole(path: string): Promise<boolean> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  )
  if (size === 0) return false
  const expected = basename(await realpath(path))
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(expected)) return true
  const hash = expected.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex') === expected
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
