/**
 * Groups waiting jobs into batches. The first job of a lane starts at once and alone. Jobs that arrive meanwhile are
 * taken in batches of exactly `size`; the rest at the end go one by one. So only two programs are needed, for 1 and for
 * `size` images. Lanes do not wait for each other.
 */
export class Batcher<Job, Result> {
  private readonly lanes = new Map<string, Lane<Job, Result>>()

  /** `work` answers jobs of one lane, 1 or `size` of them, in their order. */
  constructor(
    private readonly size: number,
    private readonly work: (lane: string, jobs: readonly Job[]) => Promise<readonly Result[]>,
  ) {}

  async do(lane: string, job: Job): Promise<Result> {
    if (this.size === 1) return (await this.work(lane, [job]))[0]
    return new Promise((resolve, reject) => {
      const { waiting } = this.lane(lane)
      waiting.push({ job, resolve, reject })
      this.pump(lane)
    })
  }

  private lane(name: string): Lane<Job, Result> {
    const lane = this.lanes.get(name) ?? { waiting: [], busy: false }
    this.lanes.set(name, lane)
    return lane
  }

  private pump(name: string): void {
    const lane = this.lane(name)
    if (lane.busy || lane.waiting.length === 0) return
    const taken = lane.waiting.splice(0, lane.waiting.length >= this.size ? this.size : 1)
    lane.busy = true
    this.work(
      name,
      taken.map(({ job }) => job),
    )
      .then(
        (results) => {
          taken.forEach(({ resolve }, i) => {
            resolve(results[i])
          })
        },
        (error: unknown) => {
          for (const { reject } of taken) reject(error)
        },
      )
      .finally(() => {
        lane.busy = false
        this.pump(name)
      })
  }
}

interface Lane<Job, Result> {
  readonly waiting: {
    readonly job: Job
    readonly resolve: (result: Result) => void
    readonly reject: (error: unknown) => void
  }[]
  busy: boolean
}
