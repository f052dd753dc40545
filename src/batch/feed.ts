/**
 * Hands the items of a list to whoever has room, and gives the results back, in the order of the items or as they come. No more items
 * are begun than `window` ahead of the results that were taken, so memory stays flat however long the list is.
 */
export interface FeedOptions {
  readonly order: 'given' | 'done'
  readonly window: number
  readonly signal?: AbortSignal
}

export class Feed<Item, Result> {
  private readonly iterator: Iterator<Item> | AsyncIterator<Item>
  private readonly ready = new Map<number, Result>()
  private readonly sleepers = new Set<() => void>()
  private begun = 0
  private taken = 0
  private stopped = false
  private failure: { readonly error: unknown } | null = null

  constructor(
    items: Iterable<Item> | AsyncIterable<Item>,
    private readonly options: FeedOptions,
  ) {
    this.iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  }

  /** Works on one item after another until there is none, or the feed is stopped. Never rejects: `results` throws. */
  async serve(work: (item: Item) => Promise<Result>): Promise<void> {
    try {
      for (;;) {
        while (!this.isOver && this.begun - this.taken >= this.options.window) await this.change()
        if (this.isOver) return
        // Iterators answer calls in their order, so the number belongs to the item.
        const index = this.begun++
        const next = await this.iterator.next()
        if (next.done) {
          this.begun--
          return this.stop()
        }
        this.ready.set(index, await work(next.value))
        this.wake()
      }
    } catch (error) {
      this.failure ??= { error }
      this.stop()
    }
  }

  /** Results until every one of `slots` (promises of `serve`) has ended. */
  async *results(slots: readonly Promise<void>[]): AsyncGenerator<Result, void, undefined> {
    let ended = false
    void Promise.all(slots).then(() => {
      ended = true
      this.wake()
    })
    for (;;) {
      const next = this.next(ended)
      if (next) {
        this.ready.delete(next.index)
        this.taken++
        this.wake()
        yield next.result
      } else if (ended) break
      else await this.change()
    }
    if (this.failure) throw this.failure.error
  }

  /** The next result: where the order is given, the first that was not taken, or, at the end, the first that there is. */
  private next(ended: boolean): { readonly index: number; readonly result: Result } | null {
    const { order } = this.options
    const index = order === 'given' && !ended ? this.taken : Math.min(...this.ready.keys())
    const result = this.ready.get(index)
    return this.ready.has(index) ? { index, result: result as Result } : null
  }

  private get isOver(): boolean {
    return this.stopped || this.options.signal?.aborted === true
  }

  /** No further item is begun. */
  stop(): void {
    this.stopped = true
    this.wake()
  }

  /** Tells the list that no more is wanted. */
  async close(): Promise<void> {
    await this.iterator.return?.()
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.sleepers.add(resolve))
  }

  private wake(): void {
    for (const resolve of this.sleepers) resolve()
    this.sleepers.clear()
  }
}
