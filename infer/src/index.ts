export { InferError, inferErrorCodes, type InferErrorCode, type InferErrorDetails } from './errors.js'
export type * from './graph.js'
