/** Photos at which a decoder crashes, for tests of programs. How they do it is in fatal-photos.mjs. */
import { appendFile } from 'node:fs/promises'

/** Of a process in which such photos are fatal. */
export const crashingEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: `--import=${new URL('./fatal-photos.mjs', import.meta.url).href}`,
})

/** Makes a photo fatal. Decoders do not read what follows its end. */
export const makeFatal = (photo: string): Promise<void> => appendFile(photo, 'a photo that no decoder stands')
