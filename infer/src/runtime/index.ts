// Loads and runs compiled models. The compiler is fetched only where a model folder has no compiled part, so a
// page or a worker that ships compiled models never does.

export { InferError, inferErrorCodes, type InferErrorCode, type InferErrorDetails } from '../errors.js'
export { loadModel, type LoadOptions, type ModelSource } from '../load-model.js'
export type { Answer, ClassAnswer, DigitsAnswer, Model } from '../model.js'
export type { RawImage } from '../image.js'
