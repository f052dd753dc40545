/** The compiled sources, for processes that tests start: they start as fast as a user's. Made by `scripts/compile.mjs`. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = process.env.DAR_DEPTH_COMPILED
if (!folder) throw new Error('DAR_DEPTH_COMPILED is not set: vitest.config.ts sets it')
/** Of `src`. */
export const COMPILED = join(folder, 'src')

/** What Node runs to be `dar`. */
export const DAR = join(COMPILED, 'cli', 'main.js')

/** The URL of a compiled module, to import it in a process: of `support/files` for example. */
export const compiledUrl = (name: string): string => pathToFileURL(join(COMPILED, `${name}.js`)).href
