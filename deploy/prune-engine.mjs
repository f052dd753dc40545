/**
 * `node deploy/prune-engine.mjs node_modules`: removes the binaries of ONNX Runtime for other platforms than this one.
 * `onnxruntime-node` brings those of five, 290 MB; one takes 45.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const [modules, platform = process.platform, arch = process.arch] = process.argv.slice(2)
if (modules === undefined) throw new Error('usage: node deploy/prune-engine.mjs NODE_MODULES [PLATFORM ARCH]')

const bin = join(modules, 'onnxruntime-node', 'bin')
for (const api of readdirSync(bin)) {
  const kept = join(bin, api, platform, arch)
  if (!existsSync(kept)) throw new Error(`${kept} is not there: ONNX Runtime has no binary for ${platform} on ${arch}`)
  for (const other of readdirSync(join(bin, api))) if (other !== platform) rmSync(join(bin, api, other), { recursive: true })
  for (const other of readdirSync(join(bin, api, platform)))
    if (other !== arch) rmSync(join(bin, api, platform, other), { recursive: true })
}
