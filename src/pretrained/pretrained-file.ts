/** A pretrained file that is open for one model: the plan, and the values of each parameter, read on request. */
import { type OpenSafetensors, openSafetensors } from '../runtime/safetensors-file.ts'
import { concatenated } from '../support/arrays.ts'
import { assert, DarError } from '../support/errors.ts'
import type { Origin } from './origin.ts'
import { type PlanOptions, type PretrainedPlan, planPretrained } from './plan.ts'
import { resizePositions } from './position-grid.ts'

/** A file of public weights that is open, and what each parameter of the model comes from. */
export interface PretrainedFile extends AsyncDisposable {
  readonly plan: PretrainedPlan
  /** Values of one of `plan.origins`, a new array. Throws a DarError when they are not finite or not floating-point. */
  read(name: string): Promise<Float32Array<ArrayBuffer>>
}

/**
 * Opens a file and plans it; holds it open until disposed. Throws a DarError as `readHeader` and `planPretrained` do, and for
 * a pickle.
 */
export async function openPretrained(
  path: string,
  options: Omit<PlanOptions, 'source'> & { readonly source?: string },
): Promise<PretrainedFile> {
  const { source = path } = options
  if (/\.(?:pth?|ckpt|bin|pkl)$/.test(path))
    throw new DarError(
      `${source} is a PyTorch pickle, which may run any code when it is opened; convert it once, where you trust it: ` +
        `python3 -c "import sys, torch; from safetensors.torch import save_file; ` +
        `save_file(torch.load(sys.argv[1], map_location='cpu', weights_only=True), sys.argv[2])" IN.pth OUT.safetensors`,
    )
  const file = await openSafetensors(path)
  try {
    const plan = planPretrained(file.header, { ...options, source })
    return {
      plan,
      async read(name) {
        const origin = plan.origins.get(name)
        assert(origin, `${name} is not in the plan of ${source}`)
        return valuesOf(file, source, origin)
      },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    }
  } catch (error) {
    await file[Symbol.asyncDispose]()
    throw error
  }
}

async function valuesOf(file: OpenSafetensors, source: string, origin: Origin): Promise<Float32Array<ArrayBuffer>> {
  const parts: Float32Array<ArrayBuffer>[] = []
  for (const tensor of origin.from) {
    const values = (await file.read(tensor)).toFloat32()
    if (!values.every(Number.isFinite))
      throw new DarError(`${source}: tensor ${tensor} holds values that are not finite; use an undamaged file`, {
        kind: 'model',
      })
    parts.push(values)
  }
  if (origin.kind === 'copy') return parts[0]
  if (origin.kind === 'fuse') return concatenated(parts)
  const width = file.header.tensors.get(origin.from[0])?.shape.at(-1)
  assert(width, 'a position table without a width')
  return resizePositions(parts[0], width, origin.table, origin.to)
}
