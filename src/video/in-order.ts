/** Work on a stream of items with a bounded number under way. Portable: no Node. */

/** How many items may be under way. */
export interface InOrderOptions {
  /** At least 1. */
  readonly most: number
}

/**
 * The results of `work`, in the order of the items. The source is asked for an item only when fewer than `most` are under way, so
 * a slow consumer slows the source down, and memory does not grow. Whoever leaves early waits for what is under way; the source is
 * then told to return.
 */
export async function* inOrder<Item, Result>(
  source: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  { most }: InOrderOptions,
): AsyncGenerator<Result, void, undefined> {
  const underWay: Promise<{ readonly result: Result } | { readonly error: unknown }>[] = []
  const next = async (): Promise<Result> => {
    const outcome = await underWay.shift()!
    if ('error' in outcome) throw outcome.error
    return outcome.result
  }
  try {
    for await (const item of source) {
      // An error waits for its turn, so that it is never an unhandled rejection.
      underWay.push(
        work(item).then(
          (result) => ({ result }),
          (error: unknown) => ({ error }),
        ),
      )
      if (underWay.length >= most) yield await next()
    }
    while (underWay.length > 0) yield await next()
  } finally {
    await Promise.all(underWay)
  }
}
