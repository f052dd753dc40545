/**
 * The verbs of `dar`, in the order of its help: one file each, whose function adds a commander command to the program.
 * A verb parses its arguments, calls the room that does the work and prints; it throws a DarError for a user's mistake.
 *
 * The file of a verb is loaded only when the verb is called. Loading the trainer, the data readers and the Hub client
 * takes longer than `dar --version` or the decoding of a photo. The help of `dar` itself needs only this list.
 */
import type { Command } from 'commander'
import { assert } from '../support/errors.ts'

export type RegisterVerb = (program: Command) => void

export interface Verb {
  readonly name: string
  /** What follows the name in the list of commands. */
  readonly usage: string
  /** As in the verb's own help. */
  readonly description: string
  readonly load: () => Promise<RegisterVerb>
}

export const VERBS: readonly Verb[] = [
  {
    name: 'predict',
    usage: '[options] <photo...>',
    description: 'depth maps of photos (JPEG, PNG, WebP)',
    load: async () => (await import('./predict.ts')).registerPredict,
  },
  {
    name: 'video',
    usage: '[options] <input>',
    description: 'the depth of a video, as a video or as 16-bit pictures',
    load: async () => (await import('./video.ts')).registerVideo,
  },
  {
    name: 'batch',
    usage: '<command>',
    description: 'many photos: over all cores, in shards, over a fleet of machines',
    load: async () => (await import('./batch.ts')).registerBatch,
  },
  {
    name: 'train',
    usage: '[options] [recipe]',
    description: 'run a training recipe',
    load: async () => (await import('./train.ts')).registerTrain,
  },
  {
    name: 'watch',
    usage: '[options] <folder>',
    description: 'a page with the curves and pictures of a training run',
    load: async () => (await import('./watch.ts')).registerWatch,
  },
  {
    name: 'finetune',
    usage: '[options] <folder>',
    description: 'teach a model your camera, from a folder of photos with depth',
    load: async () => (await import('./finetune.ts')).registerFinetune,
  },
  {
    name: 'init',
    usage: '[options] <preset>',
    description: 'a model file to start from: pretrained encoder, the rest initialised',
    load: async () => (await import('./init.ts')).registerInit,
  },
  {
    name: 'eval',
    usage: '[options]',
    description: 'figures of a model or of predicted depth maps on a data set, under a named protocol',
    load: async () => (await import('./eval.ts')).registerEval,
  },
  {
    name: 'data',
    usage: '<command>',
    description: 'look at data sets, and make one',
    load: async () => (await import('./data.ts')).registerData,
  },
  {
    name: 'info',
    usage: '[options] <model>',
    description: 'parameters, token maps, FLOPs and memory of a model',
    load: async () => (await import('./info.ts')).registerInfo,
  },
  {
    name: 'serve',
    usage: '[options]',
    description: 'an HTTP server: photos in, depth maps out',
    load: async () => (await import('./serve.ts')).registerServe,
  },
  {
    name: 'export',
    usage: '[options] <model>',
    description: 'a model as an ONNX folder for @huggingface/transformers',
    load: async () => (await import('./export.ts')).registerExport,
  },
  {
    name: 'bench',
    usage: '[options] <preset>',
    description: 'memory and time of one prediction with a preset at random weights',
    load: async () => (await import('./bench.ts')).registerBench,
  },
  {
    name: 'trace',
    usage: '[options]',
    description: 'every intermediate of a model, to compare implementations',
    load: async () => (await import('./trace.ts')).registerTrace,
  },
  {
    name: 'completion',
    usage: '[options] <shell>',
    description: 'a script for the shell, which then completes verbs and flags',
    load: async () => (await import('./completion.ts')).registerCompletion,
  },
]

/**
 * For the arguments of `dar`: the verb that they call as its file has it, and the others as the help lists them. `completion` needs
 * all of them whole.
 */
export function verbsFor(args: readonly string[]): Promise<RegisterVerb[]> {
  const [first, second] = args.filter((arg) => !arg.startsWith('-'))
  const called = first === 'help' ? second : first
  return Promise.all(VERBS.map((verb) => (verb.name === called || first === 'completion' ? verb.load() : listed(verb))))
}

/** A name and a line in the list of commands. */
function listed({ name, usage, description }: Verb): RegisterVerb {
  return (program) => {
    program
      .command(name)
      .usage(usage)
      .description(description)
      .action(() => assert(false, `the verb ${name} was called and not loaded`))
  }
}
