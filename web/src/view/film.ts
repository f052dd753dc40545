/** The steps of the model side by side, from coarse to fine, as the network gives them, and a scrubber over them. */
import { element } from '../dom.ts'
import { DEPTH_RANGE, paintMap } from '../paint.ts'
import type { Store } from '../store.ts'

/** Of a step while it plays. */
const MILLISECONDS = 700

export function showFilm(store: Store): void {
  const frames = element('frames', HTMLDivElement)
  const scrub = element('scrub', HTMLInputElement)
  const text = element('scrub-text', HTMLOutputElement)
  const play = element('play', HTMLButtonElement)
  let timer: number | undefined

  const stop = () => {
    clearInterval(timer)
    timer = undefined
    play.textContent = '▶'
    play.setAttribute('aria-label', 'Play the steps')
  }
  scrub.addEventListener('input', () => {
    stop()
    store.set({ step: Number(scrub.value) })
  })
  play.addEventListener('click', () => {
    if (timer !== undefined) return stop()
    const count = store.state.maps?.steps.length ?? 0
    if (count === 0) return
    store.set({ step: 1 })
    play.textContent = '❚❚'
    play.setAttribute('aria-label', 'Stop')
    timer = window.setInterval(() => {
      if (store.state.step >= count) return stop()
      store.set({ step: store.state.step + 1 })
    }, MILLISECONDS)
  })

  store.watch(({ maps, step, colours, live }, changed) => {
    const steps = maps?.steps ?? []
    element('scrub', HTMLInputElement).closest('section')!.hidden = live
    if (changed('maps') || changed('colours')) {
      frames.replaceChildren(
        ...steps.map(({ depth }, i) => {
          const button = document.createElement('button')
          button.type = 'button'
          const canvas = document.createElement('canvas')
          paintMap(canvas, depth, { ...DEPTH_RANGE, map: colours })
          const label = document.createElement('span')
          label.textContent = i + 1 === maps?.of ? `${i + 1}, final` : `${i + 1}`
          button.setAttribute('aria-label', `Step ${i + 1}: ${depth.width} by ${depth.height} cells`)
          button.title = `${depth.width}×${depth.height} cells`
          button.append(canvas, label)
          button.addEventListener('click', () => {
            stop()
            store.set({ step: i + 1 })
          })
          return button
        }),
      )
      if (steps.length > 0) scrub.max = String(steps.length)
      // Steps that are still computed keep their place.
      const missing = (maps?.of ?? 0) - steps.length
      if (steps.length > 0) frames.append(...Array.from({ length: missing }, waiting))
    }
    if (!changed('maps') && !changed('step') && !changed('colours')) return
    scrub.value = String(step)
    const shown = steps[step - 1]
    text.textContent = shown ? `${step} of ${maps?.of}: ${shown.depth.width}×${shown.depth.height}` : ''
    ;[...frames.children].forEach((frame, i) => {
      frame.setAttribute('aria-current', String(i === step - 1))
    })
  })
}

/** The place of a step that is not there yet. */
function waiting(): HTMLElement {
  const place = document.createElement('span')
  place.className = 'waiting'
  return place
}
