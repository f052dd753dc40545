/**
 * dar-lite on KITTI (Eigen split): lite, this project's own size: the paper has no figure for it.
 *
 *     dar train kitti-dar-lite --data DATA --encoder hub:facebook/dinov2-small
 *
 * DATA/kitti: the raw drives, the annotated depth and eigen_train_files_with_gt.txt, as BTS has them.
 * Expected: not in the paper and not run here: 410 GB of memory, so 8 GPUs of 80 GB.
 * Time: 1.7e18 FLOPs, 8 GPU hours. `--plan` counts both; 60 TFLOP/s are assumed of a GPU, two fifths of what an A100's TF32 can do.
 */
import { kitti } from './shared/paper.ts'

export default kitti('lite', 'not in the paper and not run here')
