/** `dar finetune FOLDER --from MODEL`: the flags. The work is in src/finetune. Exit codes are those of `dar train`. */
import type { Command } from 'commander'
import { finetuneFolder } from './finetune-folder.ts'
import { collect } from './flag-values.ts'
import { addRunOptions } from './run-flags.ts'

const HELP = `
FOLDER is a data set in any layout that dar data inspect knows; the simplest is rgb/ and depth/ with files of the same names. It is looked
at first, and refused with the reasons where it cannot work. The last fifth of the frames, in the order of their names, is held out:
the table at the end is of these. Some frames before them choose the best model and end the run when it no longer gets better.

The output folder has model-best.safetensors, held-out/*.png, and recipe.mjs, the recipe that was run: change it and run it with dar train.

Examples:
  $ dar finetune photos/ --from dar-nano --plan
  $ dar finetune photos/ --from dar-nano
  $ dar finetune photos/ --from dar-nano --depth-scale 5000 --out runs/mine
  $ dar predict new.jpg --model runs/mine/model-best.safetensors`

export function registerFinetune(program: Command): void {
  addRunOptions(
    program.command('finetune').description('teach a model your camera, from a folder of photos with depth'),
  )
    .argument('<folder>', 'photos with depth, 20 at least')
    .requiredOption('--from <name|file>', 'the model to start from')
    .option('--plan', 'say whether the folder will do, what the run will take, and how long, and start nothing')
    .option('-o, --out <dir>', 'folder for the model, the log and the pictures (default: runs/finetune-<folder>)')
    .option('--depth-scale <n>', 'depth units per metre (default: that of the layout, 1000 for PNG)')
    .option('--resume', 'go on from the checkpoint in the output folder')
    .option('--force', 'with --resume: go on although rates or data are not those of the checkpoint')
    .option('--minutes <n>', 'stop after this long, with a checkpoint and the table')
    .option('--set <path=value>', 'change a field of the recipe, as schedule.rate=3e-5; may be repeated', collect, [])
    .option('--json', 'print every event as a line of JSON, the table last')
    .addHelpText('after', HELP)
    .action(finetuneFolder)
}
