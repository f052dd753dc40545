/**
 * The names of DINOv2's own code and of timm: `blocks.<n>.attn.qkv`. Algorithm section 13 uses them too, except for the
 * patch embedding. DINOv2 checkpoints of large models are chunked for FSDP, `blocks.<chunk>.<n>`, with n counted over
 * all chunks.
 */
import { byRules, parameter, REASONS } from './names.ts'

const PARTS = '(?:norm1|norm2|attn\\.qkv|attn\\.proj|mlp\\.fc1|mlp\\.fc2)\\.(?:weight|bias)|ls[12]\\.gamma'

export const renameViT = byRules([
  [/^(cls_token|pos_embed)$/, (name) => parameter(`encoder.${name}`)],
  [/^patch_embed\.proj\.(weight|bias)$/, (kind) => parameter(`encoder.patch_embed.${kind}`)],
  [new RegExp(`^blocks\\.(?:\\d+\\.)?(\\d+)\\.(${PARTS})$`), (n, part) => parameter(`encoder.blocks.${n}.${part}`)],
  [/^norm\.(weight|bias)$/, (kind) => parameter(`encoder.norm.${kind}`)],
  [/^mask_token$/, () => REASONS.maskToken],
  [/^(?:register_tokens|reg_token)$/, () => REASONS.registers],
  [/^(?:dist_token|head_dist\..*)$/, () => REASONS.distillation],
  [/^blocks\..*\.mlp\.(?:w12|w3|fc1_g|fc1_x)\.(?:weight|bias)$/, () => REASONS.swiglu],
  [/^(?:head|fc_norm)\..*$/, () => REASONS.classifier],
])
