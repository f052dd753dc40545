/**
 * dar-lite on NYU Depth v2: lite, this project's own size: the paper has no figure for it.
 *
 *     dar train nyu-dar-lite --data DATA --encoder hub:facebook/dinov2-small
 *
 * DATA/nyu: sync/ and nyudepthv2_train_files_with_gt.txt, as BTS unpacked the data set.
 * Expected: not in the paper and not run here: 224 GB of memory, so 4 GPUs of 80 GB.
 * Time: 1.0e18 FLOPs, 5 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { nyu } from './shared/paper.ts'

export default nyu('lite', 'not in the paper and not run here')
