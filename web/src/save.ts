/** The downloads: the shown step as files of other programs, at the photo's own size and with its lens. */
import { depthMesh, encodeGlb, encodePly, strideFor, toPointCloud } from '../../src/formats/index.ts'
import { colourise } from '../../src/image/colormap.ts'
import { withLegend } from '../../src/image/legend.ts'
import { encodeNpy } from '../../src/image/npy.ts'
import { resizeBilinear } from '../../src/image/resize.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../../src/image/types.ts'
import type { NetworkMaps } from '../../src/predict/index.ts'
import { contextOf, element } from './dom.ts'
import { DEPTH_RANGE } from './paint.ts'
import { withoutAlpha } from './photo.ts'
import { encodeMillimetresPng } from './png16.ts'
import { type Photo, type ShownMaps, type State, type Store, stepOf } from './store.ts'
import { focalPixels } from './view/lens.ts'

type Kind = 'glb' | 'ply' | 'png16' | 'npy' | 'colour'

/** Points of a PLY file: what viewers still turn smoothly. */
const MOST_POINTS = 1_000_000

export function listenForSaves(store: Store, fail: (error: unknown) => void): void {
  const text = element('save-text', HTMLParagraphElement)
  const buttons = [...document.querySelectorAll<HTMLButtonElement>('[data-save]')]
  // Not before the last step: a map that is still on its way would be saved as if it were what the model says.
  const isReady = ({ maps, live }: State) => maps !== null && maps.steps.length >= maps.of && !live
  store.watch((state) => {
    for (const button of buttons) button.disabled = !isReady(state)
  })
  for (const button of buttons)
    button.addEventListener('click', () => {
      const { photo, maps } = store.state
      if (!photo || !maps) return
      button.disabled = true
      fileOf(button.dataset.save as Kind, photo, maps, store.state)
        .then(({ name, bytes, type }) => {
          const link = document.createElement('a')
          link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }))
          link.download = name
          link.click()
          setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
          text.textContent = `${name}: ${(bytes.length / 1e6).toFixed(1)} MB`
        })
        .catch(fail)
        .finally(() => {
          button.disabled = !isReady(store.state)
        })
    })
}

interface Saved {
  readonly name: string
  readonly bytes: Uint8Array
  readonly type: string
}

async function fileOf(kind: Kind, photo: Photo, maps: ShownMaps, state: State): Promise<Saved> {
  const stem = photo.name.replace(/\.[^.]*$/, '') || 'photo'
  const step = state.step === maps.of ? '' : `.step${state.step}`
  const { depth } = stepOf(maps, state.step)
  const whole = () => resized(depth, photo)
  switch (kind) {
    case 'npy':
      return saved(`${stem}${step}.depth.npy`, encodeNpy(whole().data, [photo.height, photo.width]))
    case 'png16':
      return saved(`${stem}${step}.depth.png`, await encodeMillimetresPng(whole()), 'image/png')
    case 'colour':
      return saved(`${stem}${step}.color.png`, await colourPng(resized(depth, photo.preview), state), 'image/png')
    case 'ply': {
      const { width, height } = photo.preview
      const map = resized(depth, photo.preview)
      const cloud = toPointCloud(map, cameraOf(photo, maps, { width, height }), {
        rgb: rgbOf(photo.preview),
        stride: strideFor(map, MOST_POINTS),
      })
      return saved(`${stem}${step}.ply`, encodePly(cloud))
    }
    case 'glb': {
      const mesh = depthMesh(resized(depth, photo.preview), cameraOf(photo, maps, photo.preview))
      const texture = new Uint8Array(await (await blobOf(photo.preview, 'image/jpeg')).arrayBuffer())
      return saved(`${stem}${step}.glb`, encodeGlb(mesh, texture, { name: stem }), 'model/gltf-binary')
    }
  }
}

const saved = (name: string, bytes: Uint8Array, type = 'application/octet-stream'): Saved => ({ name, bytes, type })

function resized(map: DepthImage, { width, height }: { readonly width: number; readonly height: number }): DepthImage {
  return { width, height, data: resizeBilinear(map.data, map.width, map.height, width, height) }
}

/** The lens that the metres were computed with, in pixels of a map of the photo. */
export function cameraOf(
  photo: Photo,
  maps: NetworkMaps,
  { width, height }: { readonly width: number; readonly height: number },
): Intrinsics {
  const focal = focalPixels(maps.focal.relative, photo)
  return {
    fx: (focal * width) / photo.width,
    fy: (focal * height) / photo.height,
    cx: (width - 1) / 2,
    cy: (height - 1) / 2,
  }
}

/** The pixels of a canvas. */
export function rgbOf(canvas: HTMLCanvasElement): RgbImage {
  const { width, height } = canvas
  return { width, height, data: withoutAlpha(contextOf(canvas).getImageData(0, 0, width, height).data) }
}

async function colourPng(map: DepthImage, { colours }: State): Promise<Uint8Array> {
  const scale = { ...DEPTH_RANGE, map: colours }
  const { width, height, data } = withLegend(colourise(map, scale), scale)
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255)
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i)
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  contextOf(canvas).putImageData(new ImageData(rgba, width, height), 0, 0)
  return new Uint8Array(await (await blobOf(canvas, 'image/png')).arrayBuffer())
}

function blobOf(canvas: HTMLCanvasElement, type: string): Promise<Blob> {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(`this browser writes no ${type}`))), type, 0.92),
  )
}
