/** Limits how many tasks run at once. Later tasks wait in the order in which they were added. */
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
      // The place passes to the next waiting task. It becomes free only when none waits.
      const next = this.waiting.shift()
      if (next) next()
      else this.inside--
    }
  }
}
