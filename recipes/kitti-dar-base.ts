/**
 * dar-base on KITTI (Eigen split): the paper's base.
 *
 *     dar train kitti-dar-base --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/kitti: the raw drives, the annotated depth and eigen_train_files_with_gt.txt, as BTS has them.
 * Expected: abs_rel 0.046, rmse 1.823, d1 0.985 in the paper; not run here: 1,899 GB of memory, so 24 GPUs of 80 GB.
 * Time: 38.8e18 FLOPs, 180 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { kitti } from './shared/paper.ts'

export default kitti('base', 'abs_rel 0.046, rmse 1.823, d1 0.985 in the paper; not run here')
