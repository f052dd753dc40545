/**
 * Progress of a countable job for a person who waits: what is done, how fast, how long it will still take.
 * On a terminal one line is redrawn in place. In a pipe or a log whole lines are written, but few of them. With
 * `silent` (for `--json`) nothing is written. Left out: nested jobs and colours.
 */

/** The part of a stream that is used; `process.stderr` is one. */
export interface ProgressStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface ProgressOptions {
  /** How many items there are in all; null where nobody knows. */
  readonly total: number | null
  /** What the items are: `photos`, `updates`. */
  readonly label: string
  /** Items that an earlier run has done, as when a job is resumed. They do not count for the rate. */
  readonly from?: number
  /** Where to write; standard error by default, so that it never mixes with results. */
  readonly stream?: ProgressStream
  /** The time in milliseconds. */
  readonly now?: () => number
  /** Write nothing at all. */
  readonly silent?: boolean
}

export interface Progress {
  /** States how many items are done in all, and what to show behind the figures: a file's name, the loss. */
  update(done: number, note?: string): void
  /** Ends the line with the total time. Call it also after a failure; later calls do nothing. */
  done(): void
}

const REDRAW_MS = 100 // a terminal shows no more than the eye can follow
const LINE_MS = 3_000 // plain lines: a new tenth of the work is worth a line, but no sooner than this after the last
const QUIET_MS = 60_000 // and after this long without one a line is due anyhow: a silent log looks dead
const BAR_CELLS = 20
const SHORT_BAR_CELLS = 8

export function createProgress({
  total,
  label,
  from = 0,
  stream = process.stderr,
  now = () => performance.now(),
  silent = false,
}: ProgressOptions): Progress {
  const started = now()
  let count = from
  let note = ''
  let written = stream.isTTY ? started - REDRAW_MS : started
  const tenthOf = (done: number): number => (total === null ? 0 : Math.floor((done / total) * 10))
  let writtenTenth = tenthOf(from)
  let ended = silent

  /** The line of this moment; the time left assumes the mean rate so far. */
  const line = (): string => {
    const seconds = (now() - started) / 1000
    const parts = [total === null ? `${label} ${count}` : `${label} ${count}/${total}`]
    if (count > from && seconds > 0) {
      const rate = (count - from) / seconds
      parts.push(rateText(rate))
      if (ended) parts.push(`took ${durationText(seconds)}`)
      // An estimated total may be passed.
      else if (total !== null) parts.push(`${durationText(Math.max(0, total - count) / rate)} left`)
    }
    if (note) parts.push(note.replaceAll(/\p{Cc}/gu, ' ')) // a name may hold a newline or an escape sequence
    return parts.join(' · ')
  }

  const draw = (): void => {
    const share = total !== null && total > 0 ? Math.min(1, count / total) : 1
    const figures = line()
    const columns = (stream.columns || 80) - 1
    // In a narrow terminal the figures matter more than the bar.
    const room = columns - 1 - Array.from(figures).length
    const fitting = room >= BAR_CELLS ? BAR_CELLS : room >= SHORT_BAR_CELLS ? SHORT_BAR_CELLS : 0
    const cells = total === null ? 0 : fitting
    const filled = Math.round(share * cells)
    const bar = cells === 0 ? '' : `${'█'.repeat(filled)}${'░'.repeat(cells - filled)} `
    // One column stays free: a full last column would wrap, and the redraw would start a new line. A terminal that does
    // not know its width says 0.
    stream.write(`\r${clip(bar + figures, columns)}\x1b[K`)
  }

  return {
    update(done, newNote = note) {
      if (ended) return
      count = done
      note = newNote
      const sinceWritten = now() - written
      const tenth = tenthOf(count)
      if (stream.isTTY) {
        if (sinceWritten < REDRAW_MS) return
        draw()
      } else {
        const due = tenth > writtenTenth ? LINE_MS : QUIET_MS
        if (sinceWritten < due) return
        stream.write(`${line()}\n`)
      }
      written = now()
      writtenTenth = tenth
    },
    done() {
      if (ended) return
      ended = true
      if (stream.isTTY) {
        draw()
        stream.write('\n')
      } else stream.write(`${line()}\n`)
    },
  }
}

/** `12.3/s`, or `4.1 s each` when one takes longer than a second. */
function rateText(perSecond: number): string {
  if (perSecond < 1) return `${durationText(1 / perSecond)} each`
  return `${perSecond.toFixed(perSecond < 100 ? 1 : 0)}/s`
}

/** `4.1 s`, `2 min 05 s`, `3 h 07 min`. */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** At most `columns` characters, the cut marked. */
function clip(text: string, columns: number): string {
  const characters = Array.from(text)
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`
}
