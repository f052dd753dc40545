/** The loss that is shown of a run: the mean so far, and from the fiftieth update on a running one, in which the newest weighs a fiftieth. */
const LONGEST = 50

export class RunningMean {
  /** Null before the first. */
  value: number | null = null
  private count = 0

  /** Takes one more, and returns the mean. */
  add(loss: number): number {
    this.count++
    const before = this.value ?? loss
    this.value = before + (loss - before) / Math.min(this.count, LONGEST)
    return this.value
  }
}
