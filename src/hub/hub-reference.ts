/** `hub:owner/name[@revision][/file]`: a file of a model repository on the Hugging Face Hub, as a command line names it. */
import { DarError } from '../support/errors.ts'

export interface HubReference {
  /** `owner/name`. */
  readonly repo: string
  /** A branch, tag or commit. */
  readonly revision: string
  /** Path inside the repository; null: its weights, whichever file that is. */
  readonly file: string | null
}

const SCHEME = 'hub:'
const PATTERN = /^([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?(?:\/(.+))?$/

export const isHubReference = (text: string): boolean => text.startsWith(SCHEME)

/** Throws a DarError when it is not of that form, or its file would lie outside the repository. */
export function parseHubReference(text: string): HubReference {
  const match = isHubReference(text) ? PATTERN.exec(text.slice(SCHEME.length)) : null
  const [, repo, revision = 'main', file = null] = match ?? []
  const names = [...(repo?.split('/') ?? []), revision, ...(file?.split('/') ?? [])]
  if (!repo || names.some((name) => name === '' || name === '.' || name === '..') || /[\\:]/.test(file ?? ''))
    throw new DarError(
      `${text} names no file on the Hub; write hub:owner/name, hub:owner/name/FILE or hub:owner/name@REVISION`,
    )
  return { repo, revision, file }
}

export function hubReferenceText({ repo, revision, file }: HubReference): string {
  return `${SCHEME}${repo}${revision === 'main' ? '' : `@${revision}`}${file === null ? '' : `/${file}`}`
}
