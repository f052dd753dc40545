/**
 * The least depth, metres: ground truth counts above it in the loss and in validation, and a prediction that is judged is raised
 * to it. Nearer than a millimetre nothing is measured.
 */
export const MIN_DEPTH = 1e-3
