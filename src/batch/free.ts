/** Gives the memory of arrays back at once. Left to the garbage collector, each worker would keep some photos that nobody needs. */
import { MessageChannel } from 'node:worker_threads'

const { port1, port2 } = new MessageChannel()
port1.unref()
port2.close()

/** Frees what the arrays lie in. They are empty afterwards. */
export function free(...arrays: readonly (Uint8Array | Float32Array)[]): void {
  // What is sent to a port that nobody holds is dropped, its memory with it.
  for (const { buffer } of arrays)
    if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) port1.postMessage(0, [buffer])
}
