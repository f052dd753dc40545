/** The worker of the page: the library's, with the builds of the engine that the page brings. */
import './polyfill.ts'
import { serveDepth } from '../../src/web/index.ts'
import { ENGINE_FILES } from './engine-files.ts'

serveDepth({
  async wasm() {
    const ort = await import('onnxruntime-web/wasm')
    ort.env.wasm.wasmPaths = ENGINE_FILES.wasm
    return ort
  },
  async webgpu() {
    const ort = await import('onnxruntime-web/webgpu')
    ort.env.wasm.wasmPaths = ENGINE_FILES.webgpu
    return ort
  },
})
