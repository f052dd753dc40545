/**
 * The names of Depth Anything's own checkpoints, V1 and V2, relative and metric: a DINOv2 encoder under `pretrained.` and MiDaS's
 * DPT under `depth_head.` (dpt.py and util/blocks.py of github.com/DepthAnything/Depth-Anything-V2). Its levels count from 1,
 * the finest; fusion k makes path k.
 */
import { byRules, parameter, REASONS, type Rename } from './names.ts'
import { renameViT } from './vit-names.ts'

const renameHead = byRules([
  [/^projects\.([0-3])\.(weight|bias)$/, (i, kind) => parameter(`neck.projects.${i}.${kind}`)],
  [/^resize_layers\.([013])\.(weight|bias)$/, (i, kind) => parameter(`neck.resize.${i}.${kind}`)],
  [/^scratch\.layer([1-4])_rn\.weight$/, (i) => parameter(`neck.reduce.${Number(i) - 1}.weight`)],
  [/^scratch\.refinenet4\.resConfUnit1\..*$/, () => REASONS.coarsest],
  [
    /^scratch\.refinenet([1-4])\.resConfUnit([12])\.conv([12])\.(weight|bias)$/,
    (k, unit, conv, kind) => parameter(`neck.refine${k}.unit${unit}.conv${conv}.${kind}`),
  ],
  [/^scratch\.refinenet([1-4])\.out_conv\.(weight|bias)$/, (k, kind) => parameter(`neck.refine${k}.out.${kind}`)],
  [/^scratch\.output_conv1\.(weight|bias)$/, (kind) => parameter(`head.conv1.${kind}`)],
  [/^scratch\.output_conv2\.0\.(weight|bias)$/, (kind) => parameter(`head.conv2.${kind}`)],
  [/^scratch\.output_conv2\.2\.(weight|bias)$/, (kind) => parameter(`head.conv3.${kind}`)],
  [/^readout_projects\..*$/, () => REASONS.classTokens],
  [/^scratch\.refinenet[1-4]\.resConfUnit[12]\.bn[12]\..*$/, () => REASONS.batchNorm],
])

export const renameDepthAnything: Rename = (name) => {
  const [, root, rest] = /^(pretrained|depth_head)\.(.*)$/.exec(name) ?? []
  if (root === 'pretrained') return renameViT(rest)
  return root === 'depth_head' ? renameHead(rest) : null
}
