/** Runs two ViT steps and prints this process's peak resident memory in MiB. See memory.ts. */
import { Engine } from '../src/runtime/engine.ts'
import { residentStep, type VitSize } from './vit.ts'

const size: VitSize = JSON.parse(process.argv[2])
await using engine = new Engine({ threads: 2 })
const { program, dispose } = await residentStep(engine, size)
await program.run({})
await program.run({})
await dispose()
console.log(process.resourceUsage().maxRSS / 1024)
