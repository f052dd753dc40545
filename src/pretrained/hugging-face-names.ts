/**
 * The names of Hugging Face transformers: `Dinov2Model` (modeling_dinov2.py), and `DepthAnythingForDepthEstimation`
 * (modeling_depth_anything.py), which is that backbone, a neck and a head. Queries, keys and values are kept apart; fusion
 * layer 0 is the coarsest, refine4 here.
 */
import { byRules, fused, parameter, REASONS, type Rename } from './names.ts'

const QKV = ['query', 'key', 'value']

export const renameDinov2Model = byRules([
  [/^embeddings\.cls_token$/, () => parameter('encoder.cls_token')],
  [/^embeddings\.position_embeddings$/, () => parameter('encoder.pos_embed')],
  [/^embeddings\.patch_embeddings\.projection\.(weight|bias)$/, (kind) => parameter(`encoder.patch_embed.${kind}`)],
  [
    /^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)$/,
    (n, which, kind) => fused(`encoder.blocks.${n}.attn.qkv.${kind}`, QKV.indexOf(which)),
  ],
  [
    /^encoder\.layer\.(\d+)\.attention\.output\.dense\.(weight|bias)$/,
    (n, kind) => parameter(`encoder.blocks.${n}.attn.proj.${kind}`),
  ],
  [
    /^encoder\.layer\.(\d+)\.((?:norm1|norm2|mlp\.fc1|mlp\.fc2)\.(?:weight|bias))$/,
    (n, part) => parameter(`encoder.blocks.${n}.${part}`),
  ],
  [
    /^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$/,
    (n, which) => parameter(`encoder.blocks.${n}.ls${which}.gamma`),
  ],
  [/^layernorm\.(weight|bias)$/, (kind) => parameter(`encoder.norm.${kind}`)],
  [/^embeddings\.mask_token$/, () => REASONS.maskToken],
  [/^embeddings\.register_tokens$/, () => REASONS.registers],
  [/^encoder\.layer\.\d+\.mlp\.weights_(?:in|out)\.(?:weight|bias)$/, () => REASONS.swiglu],
  [/^classifier\..*$/, () => REASONS.classifier],
])

const renameNeckAndHead = byRules([
  [
    /^neck\.reassemble_stage\.layers\.([0-3])\.projection\.(weight|bias)$/,
    (i, kind) => parameter(`neck.projects.${i}.${kind}`),
  ],
  [
    /^neck\.reassemble_stage\.layers\.([013])\.resize\.(weight|bias)$/,
    (i, kind) => parameter(`neck.resize.${i}.${kind}`),
  ],
  [/^neck\.convs\.([0-3])\.weight$/, (i) => parameter(`neck.reduce.${i}.weight`)],
  [/^neck\.fusion_stage\.layers\.0\.residual_layer1\..*$/, () => REASONS.coarsest],
  [
    /^neck\.fusion_stage\.layers\.([0-3])\.residual_layer([12])\.convolution([12])\.(weight|bias)$/,
    (i, unit, conv, kind) => parameter(`neck.refine${4 - Number(i)}.unit${unit}.conv${conv}.${kind}`),
  ],
  [
    /^neck\.fusion_stage\.layers\.([0-3])\.projection\.(weight|bias)$/,
    (i, kind) => parameter(`neck.refine${4 - Number(i)}.out.${kind}`),
  ],
  [/^head\.conv([123])\.(weight|bias)$/, (i, kind) => parameter(`head.conv${i}.${kind}`)],
  [/^neck\.fusion_stage\.layers\.[0-3]\.residual_layer[12]\.batch_norm[12]\..*$/, () => REASONS.batchNorm],
])

export const renameDepthAnythingModel: Rename = (name) =>
  name.startsWith('backbone.') ? renameDinov2Model(name.slice('backbone.'.length)) : renameNeckAndHead(name)
