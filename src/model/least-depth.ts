/**
 * The least depth, metres. Ground truth must be above it to count in the loss and in validation, and a prediction that
 * is judged is raised to it. No sensor measures nearer than a millimetre.
 */
export const MIN_DEPTH = 1e-3
