/** One way to a depth map in a process of its own: prints the MiB of its peak resident memory after some calls. See latency.ts. */
import { openCaller, type Way } from './latency-callers.ts'

const CALLS = 10

const [, , way, exported] = process.argv
const caller = await openCaller(way as Way, exported)
for (let i = 0; i < CALLS; i++) await caller.call(() => {})
await caller.dispose()
console.log(process.resourceUsage().maxRSS / 1024)
