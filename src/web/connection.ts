/** The page's side: requests to the worker as promises. */
import { DarError } from '../support/errors.ts'
import type { Numbered, Port, Progress, Reply, WebAnswers, WebRequest } from './protocol.ts'

type Waiting = { readonly resolve: (answer: never) => void; readonly reject: (error: unknown) => void }

export class Connection {
  private readonly waiting = new Map<number, Waiting>()
  private next = 1
  private ended: DarError | null = null

  constructor(
    private readonly port: Port<Reply, Numbered>,
    { onProgress = () => {} }: { readonly onProgress?: (progress: Progress) => void } = {},
  ) {
    port.addEventListener('message', ({ data }) => {
      if ('progress' in data) return onProgress(data.progress)
      const waiting = this.waiting.get(data.id)
      this.waiting.delete(data.id)
      if (!waiting) return
      if ('answer' in data) waiting.resolve(data.answer as never)
      else waiting.reject(new DarError(data.error.message, { kind: data.error.kind ?? 'engine' }))
    })
  }

  /** Sends a request; the memory of `transfer` moves to the worker. */
  call<R extends WebRequest>(request: R, transfer: ArrayBuffer[] = []): Promise<WebAnswers[R['kind']]> {
    if (this.ended) return Promise.reject(this.ended)
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.port.postMessage({ id, request }, transfer)
    })
  }

  /** The worker is gone: every call fails, those under way and later ones. */
  fail(message: string): void {
    this.ended ??= new DarError(message, { kind: 'gone' })
    for (const { reject } of this.waiting.values()) reject(this.ended)
    this.waiting.clear()
  }
}
