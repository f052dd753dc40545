/**
 * For development only: where a module of the sources lies in compiled form. Tests have a compiled copy of the sources
 * (`scripts/compile.mjs`) and name its folder in `DAR_DEPTH_COMPILED`. A thread or process that compiles its own TypeScript, through
 * tsx, takes about a second of processor time longer to start.
 */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const ROOT = new URL('../../', import.meta.url).href

/** The compiled copy of the TypeScript module at `url`, or null where there is none: no copy was made, or not of this module. */
export function compiledCopy(url: string): URL | null {
  const folder = process.env.DAR_DEPTH_COMPILED
  if (!folder || !url.startsWith(ROOT)) return null
  const copy = new URL(url.slice(ROOT.length).replace(/\.ts$/, '.js'), pathToFileURL(`${folder}/`))
  return existsSync(copy) ? copy : null
}
