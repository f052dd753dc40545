/**
 * dar-small on KITTI (Eigen split): the paper's small.
 *
 *     dar train kitti-dar-small --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/kitti: the raw drives, the annotated depth and eigen_train_files_with_gt.txt, as BTS has them.
 * Expected: abs_rel 0.046, rmse 1.839, d1 0.984 in the paper; not run here: 799 GB of memory, so 16 GPUs of 80 GB.
 * Time: 11.4e18 FLOPs, 53 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { kitti } from './shared/paper.ts'

export default kitti('small', 'abs_rel 0.046, rmse 1.839, d1 0.984 in the paper; not run here')
