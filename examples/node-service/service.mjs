/**
 * A service of thirty lines: POST a photo, get how far away its middle is, and its nearest and farthest points.
 *
 *     npm install dar-depth
 *     node service.mjs 8080
 *     curl --data-binary @photo.jpg http://127.0.0.1:8080/
 *
 * For a queue, limits, metrics and restarts without a lost request use `dar serve`.
 */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { DarError, loadModel } from 'dar-depth'

/** Bytes of a photo. */
const MOST = 20e6

/** Resolves to a server that listens. Closing it frees the model. */
export async function startService(port, { model: name = 'dar-nano', ...options } = {}) {
  const model = await loadModel(name, options)
  const server = createServer(async (request, response) => {
    const answer = (status, value) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`)
    if (request.method !== 'POST') return answer(405, { error: 'POST a JPEG, PNG or WebP file' })
    try {
      const parts = []
      let size = 0
      for await (const part of request) {
        size += part.length
        if (size <= MOST) parts.push(part) // the rest is read and dropped: a sender reads the answer when all is sent
      }
      if (size > MOST) return answer(413, { error: `more than ${MOST / 1e6} MB` })
      const { depth, width, height, min, max, focal } = await model.predict(Buffer.concat(parts))
      const centre = depth[(height >> 1) * width + (width >> 1)]
      answer(200, { width, height, centre, nearest: min, farthest: max, lens: focal.source })
    } catch (error) {
      // Of the kind `input` are the sender's mistakes, and the message says what to do. Too little memory is not one.
      const isSenders = error instanceof DarError && error.kind === 'input'
      answer(isSenders ? 400 : 500, { error: isSenders ? error.message : 'it failed' })
    }
  })
  server.on('close', () => model.dispose())
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startService(Number(process.argv[2] ?? 8080))
  console.log(`http://127.0.0.1:${server.address().port}`)
  process.once('SIGTERM', () => server.close())
}
