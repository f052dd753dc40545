/**
 * A larger model as the teacher of a run. It runs as a program of its own on every batch, before the step, which is fed what it said:
 * so the step's graph stays small, and the teacher's weights lie in the engine once.
 *
 *     loss = terms of the measured depth + bins·KL(teacher ‖ student) + 10·maps·E(student's map, teacher's map)
 *
 * KL is `softTargetTerm`, E is `teacherScaleTerm`, which ignores a factor an image: a teacher of metres knows far from near, and a term that
 * forgave shift too would let the student's maps grow flat. Both are over all images, also those without depth.
 */
import { z } from 'zod'
import { compile, Graph, type Tensor, type WeightSource } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import {
  buildDar,
  type DarConfig,
  type DarOutput,
  imageMultiple,
  inferenceGraph,
  isMetric,
  lastScores,
  type Pool,
  sameBins,
  softTargetTerm,
  teacherLoss,
} from '../model/index.ts'
import { openModel } from '../node/model-file.ts'
import { resolveModelPath, shippedModels } from '../node/model-path.ts'
import type { Engine, Program } from '../runtime/engine.ts'
import { assert, DarError } from '../support/errors.ts'

const weight = z.number().min(0)

export const distilSchema = z.strictObject({
  /** A shipped model by its name, or a model file; its path is relative to the data folder. */
  teacher: z.string().min(1),
  /**
   * Weight of the teacher's probabilities of the bins as soft targets. Only where both models are soft trees of as many leaves over the
   * same range. Default: 1 there, else 0.
   */
  bins: weight.optional(),
  /** Weight of the teacher's depth map, up to one factor an image. Default 0.1. */
  maps: weight.optional(),
})
/** What a recipe says of its teacher. */
export type Distil = Readonly<z.infer<typeof distilSchema>>

/** What a step weighs of a teacher. */
export type DistilWeights = Required<Pick<Distil, 'bins' | 'maps'>>

/** A teacher before it runs. */
export interface TeacherModel {
  readonly config: DarConfig
  readonly values: WeightSource
  readonly weights: DistilWeights
}

interface Size {
  readonly height: number
  readonly width: number
  readonly batch: number
}

const TARGETS = 'targets'
const TAUGHT = 'taught'

/** `locate` finds a path of the recipe. Throws a DarError when there is no such model, or it cannot teach this student. */
export async function openTeacher(
  { teacher, ...asked }: Distil,
  student: DarConfig,
  locate: (path: string) => string,
): Promise<TeacherModel> {
  const path = shippedModels().includes(teacher) ? resolveModelPath(teacher) : locate(teacher)
  const { config, weights: values } = await openModel(path, { mapAbove: Number.POSITIVE_INFINITY })
  if (!isMetric(config))
    throw new DarError(
      `the teacher ${teacher} predicts relative depth; label photos with it and give their folder instead`,
    )
  const same = sameBins(config, student)
  const { bins = same ? 1 : 0, maps = 0.1 } = asked
  if (bins > 0 && !same)
    throw new DarError(
      `the teacher ${teacher} has other bins than the student: soft targets need two soft trees of as many leaves over the same range; set distil.bins to 0`,
    )
  if (bins === 0 && maps === 0) throw new DarError('distil weighs neither bins nor maps; give one of them')
  return { config, values, weights: { bins, maps } }
}

/** What the step's loss adds. Inputs: targets: B,N,h,w and taught: B,1,H,W, where they are weighed. */
export function distilTerms(
  graph: Graph,
  student: DarOutput,
  { bins, maps }: DistilWeights,
  { batch, height, width }: Size,
  pool: Pool,
): Tensor[] {
  const terms: Tensor[] = []
  if (bins > 0) {
    const scores = scoresOf(student)
    terms.push(ops.mul(softTargetTerm(scores, graph.input(TARGETS, scores.shape), pool), bins))
  }
  if (maps > 0) {
    const taught = graph.input(TAUGHT, [batch, 1, height, width])
    terms.push(teacherLoss(student, taught, { teacher: maps, teacherFit: 'scale' }, pool))
  }
  return terms
}

/** What the teacher says of images: the feeds that a step with `distilTerms` asks for. */
export function teacherOutputs(teacher: DarConfig, student: DarConfig, { bins, maps }: DistilWeights, size: Size) {
  const { model } = inferenceGraph(teacher, size, { batch: size.batch })
  const outputs: Record<string, Tensor> = {}
  if (bins > 0) {
    const probabilities = ops.softmax(scoresOf(model), 1)
    const [, , rows, columns] = studentScores(student, size).shape
    outputs[TARGETS] = ops.resize(probabilities, [rows, columns])
  }
  if (maps > 0) outputs[TAUGHT] = model.imageMap
  return outputs
}

function scoresOf(model: DarOutput): Tensor {
  const scores = lastScores(model)
  assert(scores, 'a soft tree has scores')
  return scores
}

function studentScores(config: DarConfig, { batch, height, width }: Size): Tensor {
  return scoresOf(buildDar(new Graph().input('image', [batch, 3, height, width]), config))
}

/** A teacher at one shape of batches. Holds a program: dispose it. */
export class Teacher {
  private constructor(private readonly program: Program) {}

  /** Throws a DarError when the teacher cannot take images of this size. */
  static async open(
    engine: Engine,
    { config, values, weights }: TeacherModel,
    student: DarConfig,
    size: Size,
  ): Promise<Teacher> {
    const multiple = imageMultiple(config)
    const { batch, width, height } = size
    if (width % multiple !== 0 || height % multiple !== 0)
      throw new DarError(
        `the teacher takes images in multiples of ${multiple} pixels, and a stage has ${width}x${height}; choose another size`,
      )
    const outputs = teacherOutputs(config, student, weights, size)
    const name = `teacher ${batch}×${width}×${height}`
    return new Teacher(await engine.load(compile(outputs, { name, weights: values })))
  }

  /** image: B,3,H,W in [0, 1], which is copied. */
  async run(image: Float32Array): Promise<Readonly<Record<string, Float32Array>>> {
    const outputs = await this.program.run({ image })
    return outputs as Readonly<Record<string, Float32Array>>
  }

  async dispose(): Promise<void> {
    await this.program.dispose()
  }
}
