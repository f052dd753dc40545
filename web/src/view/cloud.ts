/**
 * The photo as points in space, turned with the pointer or the arrow keys. Loaded when it is first shown, since three.js is the largest
 * part of the page.
 *
 * Another lens moves nothing but z: with x = (u − cx)/f·d and d proportional to f, x and y stay. So the slider scales the axis of depth
 * while it is dragged, without new points.
 */
import { BufferAttribute, BufferGeometry, PerspectiveCamera, Points, PointsMaterial, Scene, WebGLRenderer } from 'three'
import { strideFor, toPointCloud } from '../../../src/formats/index.ts'
import { resizeBilinear } from '../../../src/image/resize.ts'
import { element } from '../dom.ts'
import { cameraOf, rgbOf } from '../save.ts'
import { type Store, stepOf } from '../store.ts'
import { fieldOfView, focalPixels } from './lens.ts'
import { Orbit } from './orbit.ts'

const MOST_POINTS = 400_000

export function showCloud(store: Store): void {
  const canvas = element('cloud-canvas', HTMLCanvasElement)
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true })
  const scene = new Scene()
  const camera = new PerspectiveCamera(50, 1, 0.02, 200)
  const material = new PointsMaterial({ size: 0.01, vertexColors: true, sizeAttenuation: true })
  let points: Points | null = null
  let asked = false
  let frames = 0

  /** At the next frame, once however often it is asked for. */
  const render = () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      const { clientWidth: width, clientHeight: height } = canvas
      if (width === 0 || height === 0) return
      renderer.setPixelRatio(Math.min(2, devicePixelRatio))
      renderer.setSize(width, height, false)
      camera.aspect = width / height
      camera.updateProjectionMatrix()
      renderer.render(scene, camera)
      canvas.dataset.frame = String(++frames)
      canvas.dataset.points = String(points?.geometry.getAttribute('position').count ?? 0)
    })
  }
  const orbit = new Orbit(camera, canvas, render)
  new ResizeObserver(render).observe(canvas)

  const fill = () => {
    const { photo, maps, step } = store.state
    if (!photo || !maps) return
    const { width, height } = photo.preview
    const { depth } = stepOf(maps, step)
    const map = { width, height, data: resizeBilinear(depth.data, depth.width, depth.height, width, height) }
    const stride = strideFor(map, MOST_POINTS)
    const { positions, colours } = toPointCloud(map, cameraOf(photo, maps, map), { rgb: rgbOf(photo.preview), stride })
    for (let i = 0; i < positions.length; i += 3) {
      positions[i + 1] *= -1 // three.js: y up, looking along −z
      positions[i + 2] *= -1
    }
    const geometry = new BufferGeometry()
    geometry.setAttribute('position', new BufferAttribute(positions, 3))
    if (colours) geometry.setAttribute('color', new BufferAttribute(linear(colours), 3))
    points?.geometry.dispose()
    if (points) scene.remove(points)
    points = new Points(geometry, material)
    scene.add(points)
    // A point is as large as the gap to its neighbour, at the middle depth.
    const middle = middleDepth(positions)
    material.size = (2 * stride * middle) / cameraOf(photo, maps, map).fx
    return middle
  }
  /** From where the photo was taken, a little aside. */
  const look = (middle: number) => {
    const { photo, maps } = store.state
    if (!photo || !maps) return
    const across = fieldOfView(focalPixels(maps.focal.relative, photo), photo.width)
    camera.fov = (2 * Math.atan(Math.tan((across * Math.PI) / 360) * (photo.height / photo.width)) * 180) / Math.PI + 6
    camera.position.set(0.22 * middle, 0.12 * middle, 0.12 * middle)
    orbit.target.set(0, 0, -middle)
    orbit.look()
  }

  let filled: unknown = null
  let seen: unknown = null
  store.watch(({ view, maps, photo, focal }, changed) => {
    if (view !== 'cloud' || !maps || !photo) return
    if (filled !== maps || changed('step') || changed('view')) {
      const middle = fill() ?? 1
      if (seen !== photo) look(middle)
      seen = photo
      filled = maps
    }
    const drawn = focalPixels(maps.focal.relative, photo)
    if (points) points.scale.z = (focal ?? drawn) / drawn
    render()
  })
}

function middleDepth(positions: Float32Array): number {
  const depths = Float32Array.from(
    { length: Math.floor(positions.length / 30) },
    (_, i) => -positions[30 * i + 2],
  ).sort()
  return depths[depths.length >> 1] ?? 1
}

/** sRGB bytes → what three.js computes with. */
function linear(colours: Uint8Array): Float32Array {
  const table = Float32Array.from({ length: 256 }, (_, byte) => {
    const c = byte / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return Float32Array.from(colours, (byte) => table[byte])
}
