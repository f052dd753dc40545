/** Large arrays of pixels, copied without making the event loop wait. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bytes that are copied between two turns of the event loop: about a millisecond's work, the pages of new memory included. */
const AT_ONCE = 2 ** 21

/** The bytes in memory of their own, which may be transferred to a thread. They must not change until then. */
export async function copyInTurns(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const copy = new Uint8Array(bytes.length)
  for (let from = 0; from < bytes.length; from += AT_ONCE) {
    if (from > 0) await nextTurn()
    copy.set(bytes.subarray(from, from + AT_ONCE), from)
  }
  return copy
}
