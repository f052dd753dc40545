/** The examples run: what each promises is asked of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url))

describe('examples/node-service', () => {
  it('tells how far away the middle of a photo is, and whose mistake an answer is', async () => {
    // @ts-expect-error an example is plain JavaScript
    const { startService } = await import('../examples/node-service/service.mjs')
    const model = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
    const server = await startService(0, { model, threads: 1 })
    try {
      const url = `http://127.0.0.1:${server.address().port}/`
      const post = async (body: Uint8Array<ArrayBuffer>) => {
        const response = await fetch(url, { method: 'POST', body })
        return { status: response.status, ...((await response.json()) as Record<string, unknown>) } as Record<
          string,
          number
        >
      }
      const answer = await post(new Uint8Array(readFileSync(join(EXAMPLES, 'room/rgb/room.jpg'))))
      expect(answer).toMatchObject({ status: 200, width: 640, height: 480, lens: 'exif' })
      expect(answer.nearest).toBeGreaterThan(0)
      expect(answer.nearest).toBeLessThanOrEqual(answer.centre)
      expect(answer.centre).toBeLessThanOrEqual(answer.farthest)
      expect(await post(Uint8Array.of(1, 2, 3))).toMatchObject({
        status: 400,
        error: expect.stringContaining('not an image'),
      })
      expect(await post(new Uint8Array(21e6))).toMatchObject({ status: 413, error: 'more than 20 MB' })
      expect((await fetch(url)).status).toBe(405)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
