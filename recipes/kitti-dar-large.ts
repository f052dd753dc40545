/**
 * dar-large on KITTI (Eigen split): the paper's large.
 *
 *     dar train kitti-dar-large --data DATA --encoder hub:facebook/dinov2-large
 *
 * DATA/kitti: the raw drives, the annotated depth and eigen_train_files_with_gt.txt, as BTS has them.
 * Expected: abs_rel 0.044, rmse 1.799, d1 0.986 in the paper; not run here: 3,171 GB of memory, so 40 GPUs of 80 GB.
 * Time: 83.7e18 FLOPs, 388 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { kitti } from './shared/paper.ts'

export default kitti('large', 'abs_rel 0.044, rmse 1.799, d1 0.986 in the paper; not run here')
