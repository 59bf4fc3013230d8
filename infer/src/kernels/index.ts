// The kernels as a library: they work on a memory that the caller brings, so that training can run
// them inside its own heap.

export { createMatrixMultiply, multiplyReference, type MatrixMultiply } from './matrix-multiply.js'
export { sumRgb, sumRgbReference, type RgbSums } from './channel-sums.js'
export * as assembler from './assembler.js'
export type { PixelImage, PixelSize, ResizeMethod } from './resize-method.js'
export { borrowPixels, resizeMemory as pixelMemory } from './resize-memory.js'
export { resizeDeepPixels } from './resize-deep.js'
export { resizePixels } from './resize-pixels.js'
export { resizePixelsReference } from './resize-reference.js'
export { turnPixels, type Orientation } from './turn-pixels.js'
