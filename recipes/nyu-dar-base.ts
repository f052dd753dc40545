/**
 * dar-base on NYU Depth v2: the paper's base.
 *
 *     dar train nyu-dar-base --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/nyu: sync/ and nyudepthv2_train_files_with_gt.txt, as BTS unpacked the data set.
 * Expected: abs_rel 0.058, rmse 0.214, d1 0.980 in the paper; not run here: 1,133 GB of memory, so 16 GPUs of 80 GB.
 * Time: 25.2e18 FLOPs, 117 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { nyu } from './shared/paper.ts'

export default nyu('base', 'abs_rel 0.058, rmse 0.214, d1 0.980 in the paper; not run here')
