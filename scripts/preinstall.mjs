/**
 * Runs before `npm install dar-depth` where install scripts are allowed. onnxruntime-node's own script, which comes after this one, gets
 * CUDA libraries from nuget.org on Linux on x64, and ends the installation with a stack where it cannot. This one says in a line what to
 * do instead. It changes nothing, and asks nuget.org for its index only where the other script would.
 */
import { get } from 'node:https'
import { pathToFileURL } from 'node:url'

const INDEX = 'https://api.nuget.org/v3/index.json'
const PATIENCE = 20_000

/** The message for who installs here; null when the installation can go on. `reach` rejects where the index cannot be had. */
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
    return (
      `dar-depth: onnxruntime-node would download CUDA libraries from api.nuget.org, which cannot be reached (${error.code ?? error.message}); ` +
      'without them, for the CPU and WebGPU: ONNXRUNTIME_NODE_INSTALL=skip npm install dar-depth'
    )
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = await problem({ platform: `${process.platform}/${process.arch}`, env: process.env, reach: reachIndex })
  if (found !== null) {
    console.error(found)
    process.exitCode = 1
  }
}
