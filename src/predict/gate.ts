/** At most so many at once; who comes later waits, in the order of coming. */
export class Gate {
  private readonly waiting: (() => void)[] = []
  private inside = 0

  constructor(private readonly most: number) {}

  /** Runs `work` when there is room. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.inside >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.inside++
    try {
      return await work()
    } finally {
      // The place goes to the next in line, and is free only where there is none.
      const next = this.waiting.shift()
      if (next) next()
      else this.inside--
    }
  }
}
