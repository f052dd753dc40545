/** The depth along the picked pixel's row, of the first step, a middle one and the last: where edges are, and when they appear. */
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { element, ink } from '../dom.ts'
import { valueAt } from '../paint.ts'
import type { Store } from '../store.ts'

const HEIGHT = 170
/** Points along the row. */
const POINTS = 240

export function showProfile(store: Store): void {
  const place = element('profile', HTMLDivElement)
  let plot: uPlot | null = null
  const draw = () => {
    const { photo, maps, picked } = store.state
    plot?.destroy()
    plot = null
    const panel = place.closest('section')!
    panel.hidden = !photo || !maps || !picked || maps.steps.length === 0
    if (!photo || !maps || !picked || panel.hidden) return
    const { width, height } = photo
    const xs = Array.from({ length: POINTS }, (_, i) => Math.floor(((i + 0.5) * width) / POINTS))
    const chosen = [0, Math.floor(maps.steps.length / 2), maps.steps.length - 1].filter(
      (at, i, all) => all.indexOf(at) === i,
    )
    const rows = chosen.map((at) => xs.map((x) => valueAt(maps.steps[at].depth, { x, y: picked.y, width, height })))
    const [quiet, line] = [ink('--quiet'), ink('--line')]
    const widths = [1, 1.4, 2.2]
    const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    plot = new uPlot(
      {
        width: place.clientWidth || 300,
        height: HEIGHT,
        legend: { live: false },
        cursor: { y: false, points: { show: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, values: (_, splits) => splits.map((value) => `${value}`), size: 26 },
          { ...axis, values: (_, splits) => splits.map((value) => `${value} m`), size: 48 },
        ],
        series: [
          { label: 'x' },
          ...chosen.map((at, i) => ({
            label: at + 1 === maps.of ? 'final' : `step ${at + 1}`,
            stroke: i === chosen.length - 1 ? ink('--accent') : quiet,
            width: widths[i],
            dash: i === chosen.length - 1 ? [] : [2 + 3 * i, 3],
          })),
        ],
        hooks: {
          draw: [
            (shown) => {
              const x = shown.valToPos(picked.x, 'x', true)
              shown.ctx.fillStyle = ink('--ink')
              shown.ctx.fillRect(x, shown.bbox.top, devicePixelRatio, shown.bbox.height)
            },
          ],
        },
      },
      [xs, ...rows],
      place,
    )
  }
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
  store.watch((_, changed) => {
    if (changed('maps') || changed('picked') || changed('photo')) draw()
  })
}
