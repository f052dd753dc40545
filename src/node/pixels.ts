/** Copies large arrays of pixels in pieces, so that the event loop does not wait. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bytes copied in one turn of the event loop. This takes about a millisecond, including the new memory pages. */
const AT_ONCE = 2 ** 21

/**
 * Copies the bytes into new memory, which may be transferred to a thread. The source must not change until the copy is
 * there.
 */
export async function copyInTurns(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length)
  for (let from = 0; from < bytes.length; from += AT_ONCE) {
    if (from > 0) await nextTurn()
    copy.set(bytes.subarray(from, from + AT_ONCE), from)
  }
  return copy
}
