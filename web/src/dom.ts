/** Elements of the page by their ids, and nothing that is missing goes unnoticed. */

/** The element with an id. Throws when the page has none, or one of another kind. */
export function element<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`internal error: the page has no ${kind.name} #${id}`)
  return found
}

/** A canvas's context. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d')
  if (!context) throw new Error('this browser gives no canvas to draw on')
  return context
}

/** `2.41 m`, `35 cm`: two or three digits that mean something. */
export function metresText(metres: number): string {
  if (metres < 0.995) return `${(100 * metres).toFixed(0)} cm`
  return `${metres.toFixed(metres < 9.995 ? 2 : 1)} m`
}

/** Colours of the page's own, which follow light and dark. */
export function ink(name: '--ink' | '--quiet' | '--line' | '--accent' | '--card'): string {
  // A custom property holds `light-dark(…)`; only a real property is resolved.
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
