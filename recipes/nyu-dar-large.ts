/**
 * dar-large on NYU Depth v2: the paper's large.
 *
 *     dar train nyu-dar-large --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/nyu: sync/ and nyudepthv2_train_files_with_gt.txt, as BTS unpacked the data set.
 * Expected: abs_rel 0.056, rmse 0.205, d1 0.982 in the paper; not run here: 1,898 GB of memory, so 24 GPUs of 80 GB.
 * Time: 55.8e18 FLOPs, 258 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { nyu } from './shared/paper.ts'

export default nyu('large', 'abs_rel 0.056, rmse 0.205, d1 0.982 in the paper; not run here')
