/**
 * `dar train RECIPE`: runs a recipe, with progress and time left; resumes where it stopped.
 *
 * Exit codes: 0 when the recipe is finished or `--minutes` are over; 130 or 143 when SIGINT or SIGTERM stopped it, as a
 * shell expects (128 + the signal's number), with a checkpoint written; 1 and 70 as every command (run.ts). A second
 * signal ends the process at once, without a checkpoint.
 */
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { DarConfig } from '../model/index.ts'
import type { Communicator } from '../mpi/index.ts'
import { resolveModelPath } from '../node/model-path.ts'
import { DarError } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { applySettings, loadRecipe, OVERLAPS, type Overlap, ownRecipes, train, withTeacher } from '../train/index.ts'
import { DISTRIBUTED, type Distributed, inProcesses, threadsOf } from './distributed.ts'
import { ENCODER_HELP, encoderPath } from './encoder-flag.ts'
import { collect } from './flag-values.ts'
import { reportedRun, showingOf } from './reported-run.ts'
import { addRunOptions, type RunFlags, runOptionsOf } from './run-flags.ts'
import { printPlan } from './train-plan.ts'

interface Flags extends RunFlags {
  readonly plan?: boolean
  readonly list?: boolean
  readonly data: string
  readonly weights?: string
  readonly encoder?: string
  readonly offline?: boolean
  readonly distributed?: Distributed
  readonly overlap?: Overlap
  readonly teacher?: string
  readonly from?: string
  readonly depthScale?: string
}

/** In place of a recipe's name: `dar finetune` with its folder as `--data`. */
const FINETUNE = 'finetune'

export function registerTrain(program: Command): void {
  addRunOptions(program.command('train').description('run a training recipe'))
    .argument('[recipe]', 'a recipe file, the name of one in recipes/, or finetune: dar finetune on the folder --data')
    .option('--list', 'list the recipes of the package')
    .option('--plan', 'say what the run will take, and how long, and start nothing')
    .option('--set <path=value>', 'change a field of the recipe, as schedule.rate=1e-4; may be repeated', collect, [])
    .option('--data <dir>', 'folder that the recipe’s data paths are relative to', process.env.DAR_DATA ?? 'data')
    .option('-o, --out <dir>', 'folder for checkpoints, the model and the log (default: runs/<recipe>)')
    .option('--weights <name|file>', 'start from this model: a shipped one, or a file')
    .option('--encoder <file>', `start from the encoder of ${ENCODER_HELP}`)
    .option('--teacher <name|file|dir>', 'also learn from a model, or from a folder of photos that one has labelled')
    .option('--offline', 'use the network for nothing (as HF_HUB_OFFLINE=1)')
    .option('--resume', 'go on from the checkpoint in the output folder')
    .option('--force', 'with --resume: go on although seed, rates or data are not those of the checkpoint')
    .option('--minutes <n>', 'stop after this long, with a checkpoint')
    .addOption(
      new Option('--distributed <how>', 'train in the processes that mpiexec or srun started').choices(DISTRIBUTED),
    )
    .addOption(
      new Option(
        '--overlap <what>',
        'with --distributed: sum gradients while others are computed, for more memory',
      ).choices(OVERLAPS),
    )
    .option('--json', 'print every event as a line of JSON')
    .option('--from <name|file>', 'with finetune: the model to start from')
    .option('--depth-scale <n>', 'with finetune: depth units per metre')
    .addHelpText(
      'after',
      '\nA recipe is a program: dar runs its code with your rights. Read one that somebody else wrote before you run it.\n' +
        'Ctrl-C stops after the current update, with a checkpoint (exit code 130); twice stops at once.',
    )
    .action((name: string | undefined, flags: Flags) =>
      inProcesses(flags.distributed, (processes) => action(name, flags, processes)),
    )
}

async function action(name: string | undefined, flags: Flags, processes?: Communicator): Promise<void> {
  if (flags.list) return listRecipes()
  if (name === undefined) throw new DarError('give a recipe: a file, or a name that --list has')
  if (name === FINETUNE) return finetune(flags, processes)
  if (flags.from !== undefined || flags.depthScale !== undefined)
    throw new DarError('--from and --depth-scale are for dar train finetune; a recipe starts from --weights')
  if (flags.overlap && !processes) throw new DarError('--overlap is for several processes; give --distributed mpi')
  // Rank 0 reads the first weights, writes everything, and talks.
  const isFirst = (processes?.rank ?? 0) === 0
  const { minutes, threads, loading } = runOptionsOf(flags)
  const showing = showingOf(flags)
  const settings = flags.set
  const loaded = await loadRecipe(name)
  const taught = flags.teacher === undefined ? loaded : withTeacher(loaded, flags.teacher, flags.data)
  const recipe = applySettings(taught, settings)
  if (flags.plan) {
    if (!isFirst) return
    const { data, device, precision, json, overlap } = flags
    const each = { threads: threadsOf(threads, processes), ranks: processes?.ranks, overlap }
    return printPlan(recipe, { data, device, precision, loading, ...each }, { json })
  }
  const { data, resume, force, skipBad, out = join('runs', recipe.name) } = flags
  const weights = flags.weights === undefined ? undefined : resolveModelPath(flags.weights)
  // A resumed run has its own weights, so it reads no encoder.
  const encoder = resume ? flags.encoder : isFirst ? await encoderPath(flags) : undefined
  if (isFirst && !resume && weights === undefined && encoder === undefined && hasPretrained(recipe.model))
    console.error(
      `dar: ${recipe.name} starts from random weights, its encoder too, which takes far longer and ends worse; give --encoder FILE (pretrained), or --weights MODEL to go on from one`,
    )
  await reportedRun(
    out,
    isFirst ? showing : { ...showing, page: null, tensorboard: false },
    { tells: isFirst },
    async (given) => ({
      run: await train(recipe, {
        ...(settings.length > 0 && { settings }),
        data,
        out,
        weights,
        encoder,
        resume,
        force,
        skipBad,
        minutes,
        threads: threadsOf(threads, processes),
        device: flags.device,
        precision: flags.precision,
        loading,
        collective: processes,
        overlap: flags.overlap,
        ...given,
      }),
    }),
  )
}

/** Names, and what each is for. */
async function listRecipes(): Promise<void> {
  const names = ownRecipes()
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names)
    process.stdout.write(`${printable(`${name.padEnd(width)}  ${(await loadRecipe(name)).summary}`)}\n`)
}

async function finetune(
  { data, weights, encoder, teacher, ...flags }: Flags,
  processes: Communicator | undefined,
): Promise<void> {
  if (processes) throw new DarError('finetune trains in one process; leave --distributed out')
  if ([weights, encoder, teacher].some((given) => given !== undefined))
    throw new DarError('finetune starts from the model of --from; leave --weights, --encoder and --teacher out')
  const { finetuneFolder } = await import('./finetune-folder.ts')
  await finetuneFolder(data, flags)
}

/** Whether there are public weights for an encoder of this size. Smaller ones are for trials. */
function hasPretrained({ encoder }: DarConfig): boolean {
  return encoder.kind === 'mobilenetv2' ? encoder.multiplier === 1 : encoder.width >= 192
}
