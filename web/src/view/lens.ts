/** The lens: the field of view across the photo, from EXIF, by hand, or assumed. Another lens is another scale of all metres. */
import { element } from '../dom.ts'
import type { Photo, Store } from '../store.ts'

/** Degrees across the photo of a focal length in its pixels. */
export const fieldOfView = (focal: number, width: number): number => (2 * Math.atan(width / 2 / focal) * 180) / Math.PI
/** The opposite. */
export const focalOf = (degrees: number, width: number): number => width / 2 / Math.tan((degrees * Math.PI) / 360)

/** Pixels of the photo, from the focal length in diagonals. */
export const focalPixels = (relative: number, { width, height }: Photo): number => relative * Math.hypot(width, height)

const SOURCES = {
  exif: 'From the photo’s EXIF',
  given: 'Chosen by hand',
  default: 'The photo does not tell its lens: a phone’s main camera is assumed',
} as const

export function showLens(store: Store): void {
  const slider = element('fov', HTMLInputElement)
  const text = element('fov-text', HTMLOutputElement)
  const note = element('lens', HTMLParagraphElement)
  const reset = element('lens-reset', HTMLButtonElement)
  slider.addEventListener('input', () => {
    const { photo } = store.state
    text.textContent = `${Number(slider.value).toFixed(0)}°`
    if (photo) store.set({ focal: focalOf(Number(slider.value), photo.width) })
  })
  reset.addEventListener('click', () => store.set({ focal: null }))
  store.watch(({ photo, maps, focal }, changed) => {
    if (!changed('maps') && !changed('photo') && !changed('focal')) return
    reset.hidden = focal === null
    slider.disabled = !photo || !maps
    if (!photo || !maps) return
    const degrees = fieldOfView(focal ?? focalPixels(maps.focal.relative, photo), photo.width)
    if (document.activeElement !== slider || focal === null) slider.value = String(degrees)
    text.textContent = `${degrees.toFixed(0)}°`
    const { source, millimetres35, note: found } = maps.focal
    const length = ` (${millimetres35.toFixed(0)} mm on full frame)`
    note.textContent = `${SOURCES[source]}${length}${found && source === 'default' ? `; ${found}` : ''}.`
  })
}
