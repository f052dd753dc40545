/**
 * Runs before `npm install dar-depth` where install scripts are allowed (npm 12 runs none that nobody approved). onnxruntime-node's own
 * script, which comes after this one, gets CUDA libraries from nuget.org on Linux on x64, and ends the installation with a stack where it
 * cannot. It gets only files that are missing. So where nuget.org cannot be reached, this script puts empty files in their places: the
 * CPU and WebGPU work, and `--device cuda` says that it cannot be used. Where even that fails, a line says what to do instead. It asks
 * nuget.org for its index only where the other script would.
 */
import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const INDEX = 'https://api.nuget.org/v3/index.json'
const PATIENCE = 20_000

/** Why onnxruntime-node's script would fail here; null when the installation can go on. `reach` rejects where the index cannot be had. */
export async function problem({ platform, env, reach }) {
  if (platform !== 'linux/x64') return null
  const chosen = [
    'ONNXRUNTIME_NODE_INSTALL',
    'ONNXRUNTIME_NODE_INSTALL_CUDA',
    'npm_config_onnxruntime_node_install',
    'npm_config_onnxruntime_node_install_cuda',
    'GLOBAL_AGENT_HTTPS_PROXY', // a proxy that this script does not use
    'GLOBAL_AGENT_HTTP_PROXY',
  ]
  if (chosen.some((name) => env[name])) return null
  try {
    await reach()
    return null
  } catch (error) {
    return error.code ?? error.message
  }
}

/**
 * Puts empty files where onnxruntime-node's script looks for those that it would download. Throws where the package is not there or is
 * laid out otherwise. `from`: a file whose node_modules has the package.
 */
export function standIn({ platform, from }) {
  const require = createRequire(from)
  const path = require.resolve('onnxruntime-node/script/install-metadata.js')
  const { requirements, manifests } = require(path)
  const folder = join(dirname(path), '..', 'bin', 'napi-v6', platform)
  for (const name of requirements[platform])
    for (const file of Object.keys(manifests[`${platform}:${name}`])) {
      try {
        writeFileSync(join(folder, file), '', { flag: 'wx' })
      } catch (error) {
        if (error.code !== 'EEXIST') throw error
      }
    }
}

function reachIndex() {
  return new Promise((resolve, reject) => {
    const request = get(INDEX, { timeout: PATIENCE }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`status ${response.statusCode}`))
    })
    request.on('timeout', () => request.destroy(new Error(`no answer in ${PATIENCE / 1000} s`)))
    request.on('error', reject)
  })
}

async function main() {
  const platform = `${process.platform}/${process.arch}`
  const found = await problem({ platform, env: process.env, reach: reachIndex })
  if (found === null) return
  try {
    standIn({ platform, from: import.meta.url })
    console.error(
      `dar-depth: api.nuget.org cannot be reached (${found}), so onnxruntime-node is installed without CUDA; to get it later: ` +
        'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
    )
  } catch (error) {
    console.error(
      `dar-depth: onnxruntime-node would download CUDA libraries from api.nuget.org, which cannot be reached (${found}), and cannot be told ` +
        `otherwise (${error.code ?? error.message}); without them, for the CPU and WebGPU: ONNXRUNTIME_NODE_INSTALL=skip npm install dar-depth`,
    )
    process.exitCode = 1
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
