// How much of a file that nobody vouches for is taken in.

/** Most values of one tensor, and of a graph's weights: as `@millrace/infer`. */
export const maxWeightValues = 2 ** 28
/** Largest file read: what Node reads in one piece. */
export const maxFileBytes = 2 ** 31 - 1
/** Most nodes of a file. */
export const maxNodes = 100_000
/** Most values of a tensor that is computed while reading, such as a shape. */
export const maxFoldedValues = 2 ** 26
