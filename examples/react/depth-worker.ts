/** The worker: models run here, so that the page stays awake. The page brings the engine, and says where its files are. */
import { serveDepth } from 'dar-depth/web'
import glue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

const absolute = (url: string) => new URL(url, self.location.href).href

serveDepth({
  async wasm() {
    const ort = await import('onnxruntime-web/wasm')
    ort.env.wasm.wasmPaths = { mjs: absolute(glue), wasm: absolute(wasm) }
    return ort
  },
})
