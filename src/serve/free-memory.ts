/**
 * Memory that is given back at once. Node frees the memory of an array when it collects garbage, and it collects only after some 32 MB of
 * arrays: as much as a whole body. An array that is transferred to a port without another end is freed by the transfer.
 */
import { MessageChannel } from 'node:worker_threads'

/** Smaller arrays are not worth the call. */
const LEAST = 4096

const nowhere = new MessageChannel().port1
nowhere.close()

/**
 * Frees the memory of `bytes`, which nobody else may be using, a native library least of all. Does nothing for a part of an array, such
 * as one of Node's pool.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LEAST || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  nowhere.postMessage(null, [buffer])
}
