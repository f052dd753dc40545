import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { type Furniture, openFurniture } from './catalogue/index.ts'
import { writeCatalogue } from './catalogue/testing.ts'
import { draftHome, finishHome } from './draw-home.ts'
import { createRoomRenderer, type RenderedRoom, renderHome } from './index.ts'
import { MESH } from './solids/primitives.ts'

let folder: string
let furniture: Furniture
beforeAll(async () => {
  folder = await temporaryFolder()
  await writeCatalogue(join(folder, 'test.sh3f'))
  furniture = await openFurniture(folder)
})

function digest({ image, depth, intrinsics }: RenderedRoom): string {
  const hash = createHash('sha256').update(image.data).update(new Uint8Array(depth.data.buffer))
  return hash.update(JSON.stringify(intrinsics)).digest('hex')
}

const SMALL = { width: 64, height: 48 }

describe('renderHome', () => {
  test('gives the same bytes for the same seed, shapes fresh or kept, whoever renders', async () => {
    const first = digest(await renderHome(furniture, { seed: 5, ...SMALL }))
    await renderHome(furniture, { seed: 6, ...SMALL })
    expect(digest(await renderHome(furniture, { seed: 5, ...SMALL }))).toBe(first)
    const render = createRoomRenderer()
    expect(digest(await render({ seed: 5, ...SMALL, furniture: folder }))).toBe(first)
    expect(digest(await render({ seed: 5, ...SMALL }))).not.toBe(first)
  })

  test('has a depth within range at every pixel, and pictures that are neither black nor white', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const { depth, image } = await renderHome(furniture, { seed, width: 32, height: 24 })
      for (const d of depth.data) if (!(d >= 0.2 && d <= 10)) expect.fail(`seed ${seed}: depth ${d}`)
      const mean = image.data.reduce((a, b) => a + b, 0) / image.data.length
      expect(mean, `seed ${seed}`).toBeGreaterThan(15)
      expect(mean, `seed ${seed}`).toBeLessThan(250)
    }
  })
})

describe('a home', () => {
  test('shows the shapes themselves: the catalogue is made of boxes, so a ray meets each where its box is', async () => {
    const draft = draftHome(3, furniture.roles)
    const scene = finishHome(draft, await Promise.all(draft.pieces.map((piece) => furniture.shapeOf(piece))))
    const { tracer } = scene
    const { shape, count, bounds } = tracer.primitives
    let checked = 0
    for (let i = 0; i < count; i++) {
      if (shape[i] !== MESH) continue
      // From straight above, a hand over the top of the box.
      const x = (bounds[6 * i] + bounds[6 * i + 3]) / 2
      const y = (bounds[6 * i + 1] + bounds[6 * i + 4]) / 2
      const top = bounds[6 * i + 5]
      tracer.ray.set([x + 1e-3, y + 2e-3, top + 0.05, 0, 0, -1])
      if (tracer.nearest() !== i) continue
      expect(tracer.ray[6]).toBeCloseTo(0.05, 5)
      checked++
    }
    expect(checked).toBeGreaterThan(5)
  })

  test('stands its furniture inside its rooms', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { builder, home } = draftHome(seed, furniture.roles)
      const e = home.plan.extent()
      const bounds = builder.solids.worldBounds()
      for (const { solid, piece } of builder.placed) {
        const [x0, y0, z0, x1, y1] = bounds.subarray(6 * solid, 6 * solid + 5)
        expect(Math.min(x0 - e.x0, y0 - e.y0, e.x1 - x1, e.y1 - y1), `seed ${seed}, ${piece.name}`).toBeGreaterThan(
          -0.25,
        )
        expect(z0, `seed ${seed}, ${piece.name}`).toBeGreaterThan(-1e-3)
      }
    }
  })
})
