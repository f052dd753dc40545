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
  /** Default: linear. */
  readonly scale?: 'linear' | 'log'
  /** Marks each point with a dot. Default: false. */
  readonly dots?: boolean
  /** Ticks of the x axis; default: five. */
  readonly ticks?: readonly { readonly at: number; readonly text: string }[]
  /** Bars behind the lines: shares in [0, 1] of the height, between two x. */
  readonly bars?: readonly { readonly from: number; readonly to: number; readonly share: number }[]
}

const [WIDTH, HEIGHT] = [460, 260]
const MARGIN = { left: 58, right: 24, top: 14, bottom: 46 }

/** Points that are not finite are left out. Returns one `<svg>`; a chart without points says so. */
export function lineChart(
  lines: readonly Line[],
  { x: xTitle, y: yTitle, from = 0, scale = 'linear', dots = false, ticks, bars = [] }: ChartOptions,
): string {
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter((point) => point.every(Number.isFinite)) }))
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return '<p>no figures</p>'
  const across = (value: number) => (scale === 'log' ? Math.log(value) : value)
  const edges = [...all.map(([value]) => value), ...bars.flatMap((bar) => [bar.from, bar.to])].map(across)
  const [xLow, xHigh] = widened(Math.min(...edges), Math.max(...edges))
  const highest = Math.max(...all.map(([, value]) => value))
  const lowest = Math.min(from, ...all.map(([, value]) => value))
  const yTicks = niceTicks(lowest, highest)
  const [yLow, yHigh] = widened(Math.min(lowest, yTicks[0]), Math.max(highest, yTicks[yTicks.length - 1]))
  const plotWidth = WIDTH - MARGIN.left - MARGIN.right
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom
  const px = (value: number) => MARGIN.left + ((across(value) - xLow) / (xHigh - xLow)) * plotWidth
  const py = (value: number) => MARGIN.top + (1 - (value - yLow) / (yHigh - yLow)) * plotHeight
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
    ...drawn.map(({ points, colour, dashed }) => {
      const path = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${n(px(a))} ${n(py(b))}`).join('')
      const marks = dots
        ? points.map(([a, b]) => `<circle cx="${n(px(a))}" cy="${n(py(b))}" r="3" fill="${colour}"/>`).join('')
        : ''
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>${marks}`
    }),
  ]
  const legend =
    lines.length > 1
      ? `<p class="legend">${lines.map(({ label, colour }) => `<span><i style="background:${colour}"></i>${escapeHtml(label)}</span>`).join(' ')}</p>`
      : ''
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">${parts.join('')}</svg>${legend}`
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

const shortNumber = (value: number) => `${Number(value.toPrecision(3))}`
