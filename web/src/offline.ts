/** Use without a network: registers the service worker, and tells it which engine this browser uses. */

/** After the first map, so that it takes nothing from it. Sets `data-offline` on the page when all is kept. */
export async function keepForLater(files: readonly string[]): Promise<void> {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  try {
    await navigator.serviceWorker.register('./sw.js')
    const { active } = await navigator.serviceWorker.ready
    const { port1, port2 } = new MessageChannel()
    const kept = new Promise((resolve) => port1.addEventListener('message', resolve))
    port1.start()
    active?.postMessage({ keep: files }, [port2])
    await kept
    document.documentElement.dataset.offline = 'ready'
  } catch (error) {
    console.warn('not kept for use without a network:', error) // a private window, or a page that is not on https
  }
}
