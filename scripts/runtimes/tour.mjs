/**
 * What a program does with the package, once through: every kind of input and of file, a stream, points, signals, mistakes, and the end.
 * Plain JavaScript for every runtime (runtimes.ts). `library` is the package, however it was loaded. Throws at the first thing that is
 * not as docs/library.md says.
 */
import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'

const FILES = ['png', 'color.png', 'log.png', 'npy', 'npz', 'exr', 'ply', 'glb', 'json']

export async function tour({ DarError, loadModel, pipeline }) {
  const model = await loadModel('dar-nano', { threads: 1 })
  const path = resolve('photo.jpg')
  const result = await model.predict(path)
  const { depth, width, height } = result
  assert.equal(result.unit, 'metre')
  assert.equal(depth.length, width * height)

  const bytes = await readFile(path)
  const url = pathToFileURL(path)
  const same = (map) => map.depth.every((metres, i) => metres === depth[i])
  for (const input of [
    url,
    url.href,
    bytes,
    new Uint8Array(bytes),
    new Uint8Array(bytes).buffer,
    new Blob([bytes]),
    new File([bytes], 'photo.jpg'),
    sharp(path),
  ])
    assert.ok(same(await model.predict(input)), `another map for ${Object.prototype.toString.call(input)}`)

  // Pixels have no EXIF, so the lens is stated.
  const lens = { intrinsics: result.intrinsics }
  const rgb = await sharp(path).raw().toBuffer({ resolveWithObject: true })
  const rgba = await sharp(path).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  for (const { data, info } of [rgb, rgba])
    assert.ok(same(await model.predict({ data, width, height, channels: info.channels }, lens)))
  const imageData = { data: new Uint8ClampedArray(rgba.data), width, height, colorSpace: 'srgb' }
  assert.ok(same(await model.predict(imageData, lens)))

  for (const suffix of FILES) {
    await result.save(`photo.${suffix}`)
    assert.ok((await stat(`photo.${suffix}`)).size > 0)
  }
  const { count, colours } = await result.toPointCloud({ stride: 4 })
  assert.equal(colours.length, 3 * count)

  let seen = 0
  for await (const { step, of, final, ...map } of model.stream(path)) {
    assert.equal(step, ++seen)
    assert.equal(final, step === of)
    if (final) assert.ok(same(map))
  }
  assert.equal(seen, 5)
  for await (const { step } of model.stream(path)) if (step === 2) break

  const stop = new AbortController()
  const aborted = model.predict(path, { signal: stop.signal })
  stop.abort()
  await assert.rejects(aborted, { name: 'AbortError' })
  await assert.rejects(model.predict('absent.jpg'), (error) => error instanceof DarError && error.kind === 'missing')
  const together = await Promise.all(Array.from({ length: 5 }, () => model.predict(bytes)))
  assert.ok(together.every(same))

  const estimate = await pipeline('depth-estimation', 'dar-nano', { threads: 1 })
  const [{ predicted_depth: predicted, depth: grey }] = await estimate([path])
  assert.deepEqual(
    [predicted.dims, grey.size],
    [
      [height, width],
      [width, height],
    ],
  )
  await estimate.dispose()

  const last = model.predict(path)
  await model.dispose()
  assert.ok(same(await last))
  await assert.rejects(model.predict(path), { kind: 'gone' })
}
