/** Photos at which a decoder crashes, for tests of programs. How they do it is in fatal-photos.mjs. */
import { appendFile } from 'node:fs/promises'

const NODE_OPTIONS = `--import=${new URL('./fatal-photos.mjs', import.meta.url).href}`
/** Follows the end of a photo. Decoders do not read it. */
const MARK = 'a photo that no decoder stands'

/** Of a process in which such photos are fatal. */
export const crashingEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_OPTIONS })

/** Makes a photo fatal. */
export const makeFatal = (photo: string): Promise<void> => appendFile(photo, MARK)

/** The bytes of a photo as a fatal one. */
export const fatal = (photo: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([photo, Buffer.from(MARK)]))
