/**
 * The FORMATS room: a depth map as the files of other programs, from numbers to bytes. Point clouds (PLY), meshes, EXR, npz, the values
 * of a log-scale PNG, GLB. PNG and JPEG themselves are in node/, where sharp is.
 */
export { encodeExr } from './exr.ts'
export { encodeGlb } from './glb.ts'
export { type LogDepth, logDepth } from './log-depth.ts'
export { type DepthMesh, depthMesh, type MeshOptions } from './mesh.ts'
export { encodeDepthNpz, encodeNpz } from './npz.ts'
export { encodePly } from './ply.ts'
export { withPngText } from './png-text.ts'
export { type PointCloud, type PointCloudOptions, strideFor, toPointCloud } from './point-cloud.ts'
