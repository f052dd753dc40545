/** The scale of the colours in metres, of one fixed range, and the choice of colours. */
import { type ColorMapName, colorTable, scaleFunctions, tableOffset } from '../../../src/image/colormap.ts'
import { legendTicks } from '../../../src/image/legend.ts'
import { element, metresText } from '../dom.ts'
import { DEPTH_RANGE, SIGMA_SCALE } from '../paint.ts'
import type { Store } from '../store.ts'

/** The first is the default: its colours differ in lightness, too, so it is read with any kind of colour vision. */
const CHOICES: readonly (readonly [ColorMapName, string])[] = [
  ['viridis', 'viridis (for every eye)'],
  ['cividis', 'cividis (red-green blind)'],
  ['turbo', 'turbo'],
  ['inferno', 'inferno'],
  ['magma', 'magma'],
  ['spectral', 'spectral'],
]
const KEPT = 'dar-colours'

export const firstColours = (): ColorMapName => {
  const kept = localStorage.getItem(KEPT)
  return CHOICES.find(([name]) => name === kept)?.[0] ?? CHOICES[0][0]
}

export function showLegend(store: Store): void {
  const legend = element('legend', HTMLDivElement)
  const select = element('colours', HTMLSelectElement)
  select.replaceChildren(...CHOICES.map(([name, label]) => new Option(label, name)))
  select.addEventListener('change', () => {
    localStorage.setItem(KEPT, select.value)
    store.set({ colours: select.value as ColorMapName })
  })
  const draw = () => {
    const { view, colours } = store.state
    const scale = view === 'sigma' ? SIGMA_SCALE : { ...DEPTH_RANGE, map: colours }
    const table = colorTable(scale.map)
    const stops = Array.from({ length: 33 }, (_, i) => {
      const at = tableOffset(i / 32, scale.warm)
      return `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`
    })
    const bar = document.createElement('div')
    bar.className = 'bar'
    bar.style.background = `linear-gradient(to right, ${stops.join(', ')})`
    const { fraction } = scaleFunctions(scale)
    const marks = legendTicks(scale, Math.max(200, legend.clientWidth), 52)
    const ticks = marks.map((metres) => {
      const tick = document.createElement('span')
      tick.className = 'tick'
      tick.style.left = `${100 * fraction(metres)}%`
      tick.textContent = `${Number(metres.toPrecision(3))} m`
      return tick
    })
    legend.replaceChildren(bar, ...ticks)
    const what = view === 'sigma' ? 'Uncertainty' : 'Depth'
    legend.setAttribute(
      'aria-label',
      `${what} from ${metresText(marks[0])} to ${metresText(marks[marks.length - 1])}, the same colours in every picture`,
    )
    select.value = colours
    select.disabled = view === 'sigma'
  }
  new ResizeObserver(draw).observe(legend)
  store.watch((_, changed) => {
    if (changed('view') || changed('colours')) draw()
  })
}
