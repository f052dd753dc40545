/**
 * A camera that goes round a point: drag turns, wheel and pinch go nearer, shift or the right button moves the point, and the keyboard
 * does the same. three.js has such controls, too, but with all their other ways they are as large as the rest of the page's drawing.
 */
import { type PerspectiveCamera, Spherical, Vector3 } from 'three'

/** Radians of a drag as long as the canvas is high. */
const DRAG = Math.PI
/** Radians of a press of an arrow key. */
const PRESS = 0.08
/** Never quite from above or below, where left and right change places. */
const POLE = 0.05

interface Pointer {
  x: number
  y: number
}

export class Orbit {
  readonly target = new Vector3()
  private readonly pointers = new Map<number, Pointer>()

  /** `moved` is called after every change. */
  constructor(
    private readonly camera: PerspectiveCamera,
    private readonly canvas: HTMLCanvasElement,
    private readonly moved: () => void,
  ) {
    canvas.addEventListener('contextmenu', (event) => event.preventDefault())
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId)
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY })
    })
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, (event) => this.pointers.delete(event.pointerId))
    canvas.addEventListener('pointermove', (event) => this.drag(event))
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault()
      this.nearer(Math.exp(Math.sign(event.deltaY) * Math.min(0.2, Math.abs(event.deltaY) / 500)))
    })
    canvas.addEventListener('keydown', (event) => {
      const turns = { ArrowLeft: [-PRESS, 0], ArrowRight: [PRESS, 0], ArrowUp: [0, -PRESS], ArrowDown: [0, PRESS] }
      const turn = turns[event.key as keyof typeof turns]
      const factor = { '+': 0.9, '=': 0.9, '-': 1.1 }[event.key]
      if (turn) this.turn(turn[0], turn[1])
      else if (factor) this.nearer(factor)
      else return
      event.preventDefault()
    })
  }

  /** Shows what the camera sees of the target from where it is. */
  look(): void {
    this.camera.lookAt(this.target)
    this.moved()
  }

  private drag(event: PointerEvent): void {
    const pointer = this.pointers.get(event.pointerId)
    if (!pointer) return
    const before = this.spread()
    const [dx, dy] = [event.clientX - pointer.x, event.clientY - pointer.y]
    pointer.x = event.clientX
    pointer.y = event.clientY
    const after = this.spread()
    const share = 1 / Math.max(1, this.canvas.clientHeight)
    if (before && after) this.nearer(before / after)
    else if (event.shiftKey || event.buttons === 2) this.shift(dx * share, dy * share)
    else this.turn(-dx * share * DRAG, -dy * share * DRAG)
  }

  /** Pixels between two fingers. */
  private spread(): number | null {
    const [a, b] = [...this.pointers.values()]
    return b ? Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) : null
  }

  private place(): Spherical {
    return new Spherical().setFromVector3(this.camera.position.clone().sub(this.target))
  }

  private turn(around: number, up: number): void {
    const place = this.place()
    place.theta += around
    place.phi = Math.min(Math.PI - POLE, Math.max(POLE, place.phi + up))
    this.camera.position.setFromSpherical(place).add(this.target)
    this.look()
  }

  private nearer(factor: number): void {
    const place = this.place()
    place.radius = Math.min(100, Math.max(0.05, place.radius * factor))
    this.camera.position.setFromSpherical(place).add(this.target)
    this.look()
  }

  /** By shares of what is seen at the target. */
  private shift(dx: number, dy: number): void {
    const seen = 2 * this.place().radius * Math.tan((this.camera.fov * Math.PI) / 360)
    const by = new Vector3(-dx * seen, dy * seen, 0).applyQuaternion(this.camera.quaternion)
    this.target.add(by)
    this.camera.position.add(by)
    this.look()
  }
}
