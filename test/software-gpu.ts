/**
 * A graphics processor in software for tests of WebGPU: SwiftShader, which Debian's chromium package has. Call it before the first engine
 * of the process, which asks Vulkan for its drivers once. Also needed: Vulkan's loader (Debian: libvulkan1).
 */
import { existsSync } from 'node:fs'

const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json'
const LOADERS = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1']

/** Whether WebGPU can be tested here; a machine with a driver of its own (`VK_ICD_FILENAMES`) keeps it. */
export function useSoftwareGpu(): boolean {
  if (process.env.VK_ICD_FILENAMES) return true
  if (!existsSync(DRIVER) || !LOADERS.some(existsSync)) return false
  process.env.VK_ICD_FILENAMES = DRIVER
  return true
}
