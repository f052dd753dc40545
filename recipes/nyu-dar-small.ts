/**
 * dar-small on NYU Depth v2: the paper's small.
 *
 *     dar train nyu-dar-small --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/nyu: sync/ and nyudepthv2_train_files_with_gt.txt, as BTS unpacked the data set.
 * Expected: abs_rel 0.059, rmse 0.217, d1 0.979 in the paper; not run here: 478 GB of memory, so 8 GPUs of 80 GB.
 * Time: 7.3e18 FLOPs, 34 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { nyu } from './shared/paper.ts'

export default nyu('small', 'abs_rel 0.059, rmse 0.217, d1 0.979 in the paper; not run here')
