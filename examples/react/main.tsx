/**
 * A photo in, its depth out, in the page: nothing is sent anywhere.
 *
 *     npm install dar-depth onnxruntime-web react react-dom
 *     npm install --save-dev vite typescript @types/react @types/react-dom
 *     npx vite
 */
import { colourise } from 'dar-depth/image'
import { StrictMode, useEffect, useRef, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { type Depth, useDepth, useEngine } from './use-depth.ts'

function App() {
  const [photo, setPhoto] = useState<File | null>(null)
  const { depth, error } = useDepth(photo)
  const engine = useEngine()
  return (
    <main>
      <h1>How far away is it?</h1>
      <p>
        <label>
          A photo: <input type="file" accept="image/*" onChange={({ target }) => setPhoto(target.files?.[0] ?? null)} />
        </label>
      </p>
      {error && <p role="alert">{error}</p>}
      {photo && !error && (
        <div className="pair">
          <Picture photo={photo} />
          {depth ? <DepthPicture depth={depth} /> : <p>Looking…</p>}
        </div>
      )}
      <p>{engine ? `Computed in this page, on ${engine.provider}.` : 'Starting…'}</p>
    </main>
  )
}

function Picture({ photo }: { readonly photo: Blob }) {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    const made = URL.createObjectURL(photo)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [photo])
  return url && <img src={url} alt="Your choice" />
}

function DepthPicture({ depth }: { readonly depth: Depth }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const { width, height } = depth
    const { data } = colourise(depth, { map: 'viridis' }) // RGB; 0.3 to 10 m, the same colours in every picture
    const rgba = new ImageData(width, height)
    for (let i = 0; i < width * height; i++) rgba.data.set([...data.subarray(3 * i, 3 * i + 3), 255], 4 * i)
    if (!canvas.current) return
    canvas.current.width = width
    canvas.current.height = height
    canvas.current.getContext('2d')?.putImageData(rgba, 0, 0)
  }, [depth])
  const middle = depth.data[(depth.height >> 1) * depth.width + (depth.width >> 1)]
  return (
    <figure style={{ margin: 0 }}>
      <canvas ref={canvas} aria-label="Depth: yellow is near, violet is far" role="img" />
      <figcaption data-step={depth.step}>
        Step {depth.step} of {depth.of}: the middle is {middle.toFixed(2)} m away.
      </figcaption>
    </figure>
  )
}

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
