// The kernels as a library: they work on a memory that the caller brings, so that training can run
// them inside its own heap.

export { createMatrixMultiply, multiplyReference, type MatrixMultiply } from './matrix-multiply.js'
export * as assembler from './assembler.js'
