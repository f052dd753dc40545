/**
 * Makes points.ply of a photo, for the page beside this file.
 *
 *     npm install dar-depth three vite
 *     node make-points.mjs photo.jpg
 *     npx vite
 */
import { fileURLToPath } from 'node:url'
import { decodeImage, loadModel, saveDepth } from 'dar-depth'

/** Writes the points of a photo, in its colours. */
export async function makePoints(photo, ply, { model: name = 'dar-nano', ...options } = {}) {
  const model = await loadModel(name, options)
  try {
    const image = await decodeImage(photo)
    await saveDepth(await model.predict(image), ply, { image })
  } finally {
    await model.dispose()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await makePoints(process.argv[2], 'points.ply')
  console.log('points.ply')
}
