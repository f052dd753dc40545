/** The bytes of a file, with progress while they come in. */
import { DarError, messageOf } from '../support/errors.ts'
import { browser } from './browser.ts'

/** `onProgress`: bytes that are here, and all; 0 where the server does not tell. Throws a DarError that names the address. */
export async function fetchBytes(
  url: string,
  onProgress: (loaded: number, total: number) => void = () => {},
): Promise<Uint8Array> {
  const problem = (reason: string) =>
    new DarError(`cannot load ${url} (${reason}); try again, or reload the page`, { kind: 'network' })
  const response = await browser.fetch(url).catch((error: unknown) => {
    throw problem(messageOf(error))
  })
  if (!response.ok || !response.body) throw problem(`the server answered ${response.status}`)
  // The length is that of the bytes on the way.
  const total = response.headers.has('content-encoding') ? 0 : Number(response.headers.get('content-length') ?? 0)
  const parts: Uint8Array[] = []
  let loaded = 0
  try {
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      if (!value) continue
      parts.push(value)
      loaded += value.length
      onProgress(loaded, total)
    }
  } catch (error) {
    throw problem(messageOf(error))
  }
  const bytes = new Uint8Array(loaded)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
