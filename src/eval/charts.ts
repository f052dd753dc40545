/**
 * Line charts and bars as SVG text, for the report, which is one file without scripts. Left out: interaction, long
 * legends.
 */

export interface Line {
  readonly label: string
  readonly colour: string
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly dashed?: boolean
}

export interface ChartOptions {
  readonly x: string
  readonly y: string
  /** Where the y axis starts; default: 0. */
  readonly from?: number
  /** Of x. Default: linear. */
  readonly scale?: 'linear' | 'log'
  /** Of y; of a log scale `from` does not count, and what is not above 0 is left out. Default: linear. */
  readonly yScale?: 'linear' | 'log'
  /** Marks each point with a dot. Default: false. */
  readonly dots?: boolean
  /** Ticks of the x axis; default: five. */
  readonly ticks?: readonly { readonly at: number; readonly text: string }[]
  /** Bars behind the lines: shares in [0, 1] of the height, between two x. */
  readonly bars?: readonly { readonly from: number; readonly to: number; readonly share: number }[]
  /** Says in attributes what a script needs to turn pixels into values: `data-plot`, `data-x`, `data-y`, `data-label`. Default: false. */
  readonly readable?: boolean
}

const [WIDTH, HEIGHT] = [460, 260]
const MARGIN = { left: 58, right: 24, top: 14, bottom: 46 }

/** Points that are not finite are left out. Returns one `<svg>`; a chart without points says so. */
export function lineChart(
  lines: readonly Line[],
  {
    x: xTitle,
    y: yTitle,
    from = 0,
    scale = 'linear',
    yScale = 'linear',
    dots = false,
    ticks,
    bars = [],
    readable = false,
  }: ChartOptions,
): string {
  const up = (value: number) => (yScale === 'log' ? Math.log10(value) : value)
  const isShown = ([x, y]: readonly [number, number]) => Number.isFinite(x) && Number.isFinite(up(y))
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter(isShown) }))
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return '<p>no figures</p>'
  const across = (value: number) => (scale === 'log' ? Math.log(value) : value)
  const edges = [...all.map(([value]) => value), ...bars.flatMap((bar) => [bar.from, bar.to])].map(across)
  const [xLow, xHigh] = widened(Math.min(...edges), Math.max(...edges))
  const highest = Math.max(...all.map(([, value]) => value))
  const lowest = Math.min(yScale === 'log' ? highest : from, ...all.map(([, value]) => value))
  const yTicks = yScale === 'log' ? logTicks(lowest, highest) : niceTicks(lowest, highest)
  const [yLow, yHigh] = widened(up(Math.min(lowest, ...yTicks)), up(Math.max(highest, ...yTicks)))
  const plotWidth = WIDTH - MARGIN.left - MARGIN.right
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom
  const px = (value: number) => MARGIN.left + ((across(value) - xLow) / (xHigh - xLow)) * plotWidth
  const py = (value: number) => MARGIN.top + (1 - (up(value) - yLow) / (yHigh - yLow)) * plotHeight
  const xTicks =
    ticks ?? niceTicks(xLow, xHigh).flatMap((at) => (at >= xLow && at <= xHigh ? [{ at, text: shortNumber(at) }] : []))
  const bottom = MARGIN.top + plotHeight
  const parts = [
    ...bars.map(
      ({ from: left, to, share }) =>
        `<rect class="bar" x="${n(px(left))}" y="${n(bottom - share * plotHeight)}" width="${n(Math.max(0, px(to) - px(left) - 1))}" height="${n(share * plotHeight)}"/>`,
    ),
    ...yTicks.map(
      (at) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${n(py(at))}" y2="${n(py(at))}"/>` +
        `<text x="${MARGIN.left - 6}" y="${n(py(at) + 4)}" text-anchor="end">${shortNumber(at)}</text>`,
    ),
    ...xTicks.map(
      ({ at, text }) => `<text x="${n(px(at))}" y="${bottom + 16}" text-anchor="middle">${escapeHtml(text)}</text>`,
    ),
    `<text x="${MARGIN.left + plotWidth / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(xTitle)}</text>`,
    `<text transform="translate(13 ${MARGIN.top + plotHeight / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yTitle)}</text>`,
    ...drawn.map(({ label, points, colour, dashed }) => {
      const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${n(px(a))} ${n(py(b))}`).join('')
      const marks = dots
        ? points.map(([a, b]) => `<circle cx="${n(px(a))}" cy="${n(py(b))}" r="3" fill="${colour}"/>`).join('')
        : ''
      const name = readable ? ` data-label="${escapeHtml(label)}"` : ''
      return `<path${name} d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>${marks}`
    }),
  ]
  const legend =
    lines.length > 1
      ? `<p class="legend">${lines.map(({ label, colour }) => `<span><i style="background:${colour}"></i>${escapeHtml(label)}</span>`).join(' ')}</p>`
      : ''
  const frame = readable
    ? ` data-plot="${[MARGIN.left, MARGIN.top, plotWidth, plotHeight]}" data-x="${[xLow, xHigh]} ${scale}" data-y="${[yLow, yHigh]} ${yScale}"`
    : ''
  return `<svg${frame} viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">${parts.join('')}</svg>${legend}`
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const n = (value: number) => value.toFixed(1)

const widened = (low: number, high: number) => (high > low ? [low, high] : [low - 0.5, high + 0.5])

/** About four round numbers from at or below `low` to at or above `high`. */
function niceTicks(low: number, high: number): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1
  const rough = span / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  const first = Math.floor(low / step)
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

/** Powers of ten, and 2 and 5 times these over less than two decades, from at or below `low` to at or above `high`; both above 0. */
function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))]
  const factors = last - first <= 2 ? [1, 2, 5] : [1]
  const all = Array.from({ length: last - first + 1 }, (_, i) => factors.map((factor) => factor * 10 ** (first + i)))
  const ticks = all.flat()
  const below = ticks.findLastIndex((tick) => tick <= low)
  const above = ticks.findIndex((tick) => tick >= high)
  return ticks.slice(Math.max(0, below), above < 0 ? undefined : above + 1)
}

const shortNumber = (value: number) => `${Number(value.toPrecision(3))}`
