import { describe, expect, it } from 'vitest'
import { createProgress, durationText, type ProgressOptions } from './progress.ts'

/** A progress on a stream that remembers and a clock that is set by hand. */
function fake(options: Omit<ProgressOptions, 'label'>, { isTTY = false, columns = 200 } = {}) {
  const writes: string[] = []
  const clock = { ms: 5_000 }
  const stream = { write: (text: string) => writes.push(text), isTTY, columns }
  return { writes, clock, progress: createProgress({ label: 'photos', stream, now: () => clock.ms, ...options }) }
}

/** What a terminal shows after these writes: `\r` goes to the start of the line, `ESC[K` clears the rest of it. */
function screen(writes: string[]): string[] {
  const lines = ['']
  for (const part of writes.join('').split(/(\r|\n)/)) {
    if (part === '\n') lines.push('')
    else if (part !== '\r' && part !== '') lines[lines.length - 1] = part.replace('\x1b[K', '')
  }
  return lines
}

describe('progress on a terminal', () => {
  it('redraws one line with a bar, the count, the rate, the time left and the note', () => {
    const { writes, clock, progress } = fake({ total: 40 }, { isTTY: true })
    progress.update(0)
    clock.ms += 5_000
    progress.update(10, 'kitchen.jpg')
    expect(screen(writes)).toEqual(['█████░░░░░░░░░░░░░░░ photos 10/40 · 2.0/s · 15 s left · kitchen.jpg'])
    expect(writes.every((text) => text.startsWith('\r') && text.endsWith('\x1b[K'))).toBe(true)
  })

  it('ends the line with the total time, once', () => {
    const { writes, clock, progress } = fake({ total: 2 }, { isTTY: true })
    clock.ms += 3_000
    progress.update(2)
    progress.done()
    progress.done()
    progress.update(1)
    expect(screen(writes)).toEqual(['████████████████████ photos 2/2 · 1.5 s each · took 3.0 s', ''])
  })

  it('does not redraw more often than ten times a second', () => {
    const { writes, clock, progress } = fake({ total: 1000 }, { isTTY: true })
    for (let i = 1; i <= 1000; i++) {
      clock.ms += 1
      progress.update(i)
    }
    expect(writes.length).toBe(10)
  })

  it('keeps the line shorter than the terminal is wide, so that it never wraps', () => {
    const { writes, progress } = fake({ total: 2 }, { isTTY: true, columns: 40 })
    progress.update(1, 'a-photo-with-a-very-long-name-indeed.jpg')
    const [line] = screen(writes)
    expect(line).toHaveLength(39)
    expect(line.endsWith('…')).toBe(true)
  })

  it('shortens the bar, and then leaves it out, before it cuts the figures', () => {
    const lineAt = (columns: number) => {
      const { writes, progress } = fake({ total: 2 }, { isTTY: true, columns })
      progress.update(0, 'kitchen.jpg')
      return screen(writes)[0]
    }
    const figures = 'photos 0/2 · kitchen.jpg'
    expect(lineAt(24 + 22)).toBe(`░░░░░░░░░░░░░░░░░░░░ ${figures}`)
    expect(lineAt(24 + 21)).toBe(`░░░░░░░░ ${figures}`)
    expect(lineAt(24 + 9)).toBe(figures)
  })

  it('takes a terminal that does not know its width for one of 80 columns', () => {
    const { writes, progress } = fake({ total: 2 }, { isTTY: true, columns: 0 })
    progress.update(1, 'n'.repeat(100))
    expect(screen(writes)[0]).toHaveLength(79)
  })

  it('measures the rate and the time left of a resumed job from where it resumed', () => {
    const { writes, clock, progress } = fake({ total: 1000, from: 900 }, { isTTY: true })
    clock.ms += 10_000
    progress.update(950)
    expect(screen(writes)).toEqual(['███████████████████░ photos 950/1000 · 5.0/s · 10 s left'])
  })

  it('shows control characters of a file name as spaces', () => {
    const { writes, progress } = fake({ total: 2 }, { isTTY: true })
    progress.update(1, 'a\nb\x1b[2J.jpg')
    expect(screen(writes)[0]).toContain('a b [2J.jpg')
  })

  it('shows a full bar for a job with nothing to do, and no figures that divide by zero', () => {
    const { writes, progress } = fake({ total: 0 }, { isTTY: true })
    progress.done()
    expect(screen(writes)).toEqual(['████████████████████ photos 0/0', ''])
  })
})

describe('progress in a pipe', () => {
  it('writes a line at each tenth of the work, without control characters, and one at the end', () => {
    const { writes, clock, progress } = fake({ total: 100 })
    for (let i = 1; i <= 100; i++) {
      clock.ms += 1_000
      progress.update(i)
    }
    progress.done()
    expect(writes).toHaveLength(11)
    expect(writes[0]).toBe('photos 10/100 · 1.0/s · 1 min 30 s left\n')
    expect(writes[10]).toBe('photos 100/100 · 1.0/s · took 1 min 40 s\n')
  })

  it('leaves out tenths that come within three seconds of the last line', () => {
    const { writes, clock, progress } = fake({ total: 10 })
    for (let i = 1; i <= 10; i++) {
      clock.ms += 1_000
      progress.update(i)
    }
    expect(writes.map((line) => line.split(' · ')[0])).toEqual(['photos 3/10', 'photos 6/10', 'photos 9/10'])
  })

  it('writes only the last line of a quick job', () => {
    const { writes, clock, progress } = fake({ total: 2 })
    clock.ms += 100
    progress.update(2)
    progress.done()
    expect(writes).toEqual(['photos 2/2 · 20.0/s · took 0.1 s\n'])
  })

  it('shows that a slow job is alive once a minute', () => {
    const { writes, clock, progress } = fake({ total: 100_000 })
    for (let i = 1; i <= 300; i++) {
      clock.ms += 1_000
      progress.update(i)
    }
    expect(writes).toHaveLength(5)
  })
})

it('silent progress writes nothing', () => {
  for (const isTTY of [true, false]) {
    const { writes, clock, progress } = fake({ total: 1, silent: true }, { isTTY })
    clock.ms += 100_000
    progress.update(1)
    progress.done()
    expect(writes).toEqual([])
  }
})

it.each([
  [0.04, '0.0 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [125, '2 min 05 s'],
  [3599.7, '1 h 00 min'],
  [11_220, '3 h 07 min'],
])('%d seconds read as %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text)
})
