/**
 * The picture: a map over the photo (or over the other model's map), divided by a line that is dragged, and the metres under the
 * pointer. Arrow keys move a cross instead of the pointer.
 */
import type { DepthImage } from '../../../src/image/types.ts'
import { contextOf, element, metresText } from '../dom.ts'
import { DEPTH_RANGE, paintMap, SIGMA_SCALE, valueAt } from '../paint.ts'
import { type Place, type State, type Store, stepOf } from '../store.ts'

export function showStage(store: Store): void {
  const stage = element('stage', HTMLElement)
  const under = element('under', HTMLCanvasElement)
  const over = element('over', HTMLCanvasElement)
  const divider = element('divider', HTMLDivElement)
  const cross = element('cross', HTMLDivElement)
  const picked = element('picked', HTMLDivElement)
  const tip = element('tip', HTMLOutputElement)
  const readout = element('readout', HTMLParagraphElement)
  const names = [element('name-left', HTMLSpanElement), element('name-right', HTMLSpanElement)]
  let cursor: Place | null = null

  const split = (share: number) => {
    const percent = Math.min(100, Math.max(0, share))
    stage.style.setProperty('--split', `${percent}%`)
    divider.setAttribute('aria-valuenow', percent.toFixed(0))
    divider.setAttribute('aria-valuetext', `${percent.toFixed(0)} % photo`)
  }
  split(50)

  divider.addEventListener('pointerdown', (event) => {
    divider.setPointerCapture(event.pointerId)
    event.preventDefault()
    divider.focus()
  })
  divider.addEventListener('pointermove', (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return
    const { left, width } = stage.getBoundingClientRect()
    split((100 * (event.clientX - left)) / width)
  })
  divider.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -2, ArrowRight: 2, PageDown: -20, PageUp: 20, Home: -100, End: 100 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    event.stopPropagation()
    split(Number(divider.getAttribute('aria-valuenow')) + by)
  })

  /** The pixel of the photo under a point of the window. */
  const placeAt = ({ clientX, clientY }: MouseEvent): Place | null => {
    const { photo } = store.state
    const box = under.getBoundingClientRect()
    if (!photo || box.width === 0) return null
    const x = Math.floor(((clientX - box.left) * photo.width) / box.width)
    const y = Math.floor(((clientY - box.top) * photo.height) / box.height)
    return x >= 0 && y >= 0 && x < photo.width && y < photo.height ? { x, y } : null
  }
  const put = (mark: HTMLElement, { x, y }: Place, { width, height }: { width: number; height: number }) => {
    mark.style.left = `${(100 * (x + 0.5)) / width}%`
    mark.style.top = `${(100 * (y + 0.5)) / height}%`
  }
  const point = (place: Place | null, { say = false } = {}) => {
    cursor = place ?? cursor
    const { photo, maps } = store.state
    tip.hidden = cross.hidden = place === null || !photo || !maps
    if (!place || !photo || !maps) return
    put(cross, place, photo)
    const text = textAt(store.state, place)
    tip.textContent = text.short
    const share = place.x / photo.width
    tip.style.left = `${100 * share}%`
    tip.style.top = `${(100 * place.y) / photo.height}%`
    tip.style.translate = `${share > 0.7 ? 'calc(-100% - 12px)' : '12px'} ${place.y < photo.height / 5 ? '10px' : 'calc(-100% - 8px)'}`
    if (say) readout.textContent = text.long
  }
  stage.addEventListener('pointermove', (event) => point(event.target === divider ? null : placeAt(event)))
  stage.addEventListener('pointerleave', () => point(null))
  stage.addEventListener('click', (event) => {
    const place = event.target === divider ? null : placeAt(event)
    if (place) store.set({ picked: place, tree: null })
  })
  stage.addEventListener('keydown', (event) => {
    const { photo } = store.state
    if (!photo || event.target !== stage) return
    const far = Math.max(1, Math.round((Math.max(photo.width, photo.height) / 100) * (event.shiftKey ? 5 : 1)))
    const [dx, dy] = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[
      event.key
    ] ?? [0, 0]
    const from = cursor ?? store.state.picked ?? { x: photo.width >> 1, y: photo.height >> 1 }
    if (dx !== 0 || dy !== 0) {
      event.preventDefault()
      const within = (value: number, size: number) => Math.min(size - 1, Math.max(0, value))
      point({ x: within(from.x + dx, photo.width), y: within(from.y + dy, photo.height) }, { say: true })
    } else if (event.key === 'Enter') store.set({ picked: from, tree: null })
  })

  store.watch((state, changed) => {
    const { photo, maps, otherMaps, view, step, picked: place } = state
    stage.hidden = view === 'cloud'
    if (photo && changed('photo')) {
      for (const target of [document.documentElement]) {
        target.style.setProperty('--aspect', `${photo.width} / ${photo.height}`)
        target.style.setProperty('--ratio', `${photo.width / photo.height}`)
      }
      cursor = null
      if (!state.live) point(null)
    }
    picked.hidden = !photo || !place || state.live
    if (photo && place) put(picked, place, photo)
    const any = (['photo', 'maps', 'otherMaps', 'view', 'step', 'colours'] as const).some(changed)
    if (!photo || view === 'cloud' || !any) return
    const size = { width: photo.preview.width, height: photo.preview.height }
    const depthScale = { ...DEPTH_RANGE, map: state.colours }
    const both = view === 'models'
    if (both && otherMaps) paintMap(under, (maps ? stepOf(maps, step) : otherMaps).depth, depthScale, size)
    else drawPhoto(under, photo.preview)
    const [map, scale] = rightMap(state)
    over.hidden = map === null
    divider.hidden = map === null
    if (map) paintMap(over, map, scale === 'sigma' ? SIGMA_SCALE : depthScale, size)
    const shown = map !== null
    names[0].textContent = shown ? (both ? state.modelName : 'photo') : ''
    names[1].textContent = shown ? (both ? state.otherName : scale === 'sigma' ? 'uncertainty' : 'depth') : ''
  })
}

function drawPhoto(canvas: HTMLCanvasElement, preview: HTMLCanvasElement): void {
  canvas.width = preview.width
  canvas.height = preview.height
  contextOf(canvas).drawImage(preview, 0, 0)
}

/** What lies to the right of the line, and how it is coloured. */
function rightMap({ view, maps, otherMaps, step }: State): [DepthImage | null, 'depth' | 'sigma'] {
  if (view === 'models') return [otherMaps && stepOf(otherMaps, step).depth, 'depth']
  if (!maps) return [null, 'depth']
  const { depth, sigma } = stepOf(maps, step)
  return view === 'sigma' ? [sigma, 'sigma'] : [depth, 'depth']
}

function textAt(state: State, place: Place): { short: string; long: string } {
  const { photo, maps, otherMaps, view, step } = state
  if (!photo || !maps) return { short: '', long: '' }
  const where = { ...place, width: photo.width, height: photo.height }
  const { depth, sigma } = stepOf(maps, step)
  const metres = metresText(valueAt(depth, where))
  const spread = sigma ? ` ± ${metresText(valueAt(sigma, where))}` : ''
  const second = view === 'models' && otherMaps ? ` | ${metresText(valueAt(stepOf(otherMaps, step).depth, where))}` : ''
  return {
    short: view === 'sigma' ? `${metres}${spread}` : `${metres}${second}`,
    long: `Pixel ${place.x}, ${place.y}: ${metres}${spread}${second}`,
  }
}
