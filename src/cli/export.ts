/** `dar export MODEL -o DIR`: a folder for `@huggingface/transformers`. The work is in src/export. */
import { type Command, Option } from 'commander'
import { exportModel, type Precision } from '../export/index.ts'
import { parseSize } from '../predict/index.ts'
import { printableName } from '../support/printable.ts'

interface Flags {
  readonly out: string
  readonly size?: readonly string[]
  readonly fp16?: boolean
  readonly int8?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

const HELP = `
Writes into DIR, which appears whole or not at all:
  config.json, preprocessor_config.json, onnx/model.onnx      (model_fp16.onnx with --fp16, model_quantized.onnx with --int8)
and, of every further size, the same into DIR/WxH; dar-export.json lists all of them. In Node or a web page:
  const depth = await pipeline('depth-estimation', DIR)
  const { predicted_depth } = await depth(image)              metres, one image per call

Which precision: float32 anywhere; --fp16 for GPUs and small downloads; --int8 for CPUs (ViT models gain most).
Metres are those of a 26 mm equivalent lens; config.json, under dar_depth, says how to scale them for another.`

export function registerExport(program: Command): void {
  program
    .command('export')
    .description('a model as an ONNX folder for @huggingface/transformers')
    .argument('<model>', 'a shipped model, or a .safetensors file')
    .requiredOption('-o, --out <dir>', 'folder to write')
    .option('--size <WxH...>', 'sizes of the network’s input (default: those that the model was trained at)')
    .addOption(new Option('--fp16', 'float16 weights and layers').conflicts('int8'))
    .addOption(new Option('--int8', 'int8 layers, quantised at run time').conflicts('fp16'))
    .option('--force', 'replace an earlier export, if nothing else lies in its folder')
    .option('--json', 'print one JSON document instead of lines')
    .addHelpText('after', HELP)
    .action(action)
}

async function action(model: string, { out, size, fp16, int8, force, json }: Flags): Promise<void> {
  const precision: Precision = fp16 ? 'fp16' : int8 ? 'int8' : 'fp32'
  const sizes = size?.map((text) => parseSize(text, '--size'))
  const onFile = (path: string, bytes: number) => {
    if (!json) process.stdout.write(`${printableName(path)}: ${(bytes / 1e6).toFixed(1)} MB\n`)
  }
  const result = await exportModel(model, out, { sizes, precision, force, onFile })
  if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
}
