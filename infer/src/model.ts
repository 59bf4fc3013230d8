// A network ready to answer: graph and weights behind two methods, `run` on tensors and `predict` on
// images. What computes is a function given to `createModel`, so a compiled runtime can take the place
// of the reference.

import { decodeDigits, type DigitReading } from './digits.js'
import { InferError } from './errors.js'
import type { Graph } from './graph.js'
import type { RawImage } from './image.js'
import { preprocessImage } from './preprocess.js'
import { createExecutor, type Executor } from './runtime/executor.js'
import { checkWeights, type Weights } from './weights.js'

/** What a network says about an image. */
export type Answer = DigitsAnswer | ClassAnswer | TensorsAnswer

export interface DigitsAnswer extends DigitReading {
  readonly kind: 'digits'
}

export interface ClassAnswer {
  readonly kind: 'class'
  readonly classIndex: number
  readonly className: string
  readonly probability: number
  /** Of every class, in the order of the task's `classNames`. */
  readonly probabilities: Float32Array
}

export interface TensorsAnswer {
  readonly kind: 'tensors'
  /** The graph's outputs by name, without the batch. */
  readonly outputs: ReadonlyMap<string, Float32Array>
}

export interface Model {
  readonly graph: Graph
  /**
   * The graph's outputs [batch, …] by name, for an input [batch, height, width, channels].
   * @throws InferError INFER_ARGUMENT if the input has another size.
   */
  run(input: Float32Array, batch: number): Map<string, Float32Array>
  /**
   * Preprocesses and reads one image, or several in the same order.
   * @throws InferError INFER_IMAGE_TOO_SMALL; INFER_ARGUMENT for pixels that do not fill the image;
   * INFER_NOT_FINITE if no answer can be read from the outputs.
   */
  predict(image: RawImage): Answer
  predict(images: readonly RawImage[]): Answer[]
}

export interface ModelOptions {
  /** Images that a run takes at once; more are run in parts. Memory grows with it. Default 8. */
  readonly batch?: number
  /** What computes. Default: the network compiled to WebAssembly. */
  readonly execute?: Executor
}

/** Images that are compiled for and handed to the executor at once, if nothing else is said. */
const defaultBatch = 8

/**
 * A model from its parts.
 * @throws InferError INFER_GRAPH_INVALID; INFER_WEIGHTS if a weight is missing, unknown or of another size;
 * INFER_ARGUMENT for a batch below 1.
 */
export function createModel(graph: Graph, weights: Weights, options: ModelOptions = {}): Model {
  const { batch: maxBatch = defaultBatch } = options
  if (!(Number.isSafeInteger(maxBatch) && maxBatch >= 1)) throw new InferError('INFER_ARGUMENT', `batch: expected a whole number from 1, found ${maxBatch}`)
  checkWeights(graph, weights)
  const execute = options.execute ?? createExecutor(graph, weights, maxBatch)
  const predictBatch = (images: readonly RawImage[]): Answer[] => {
    const [height, width, channels] = graph.input.shape
    const input = new Float32Array(images.length * height * width * channels)
    for (const [index, image] of images.entries()) input.set(preprocessed(graph, image), index * height * width * channels)
    const outputs = execute(input, images.length)
    return images.map((_, index) => answer(graph, outputs, images.length, index))
  }
  function predict(image: RawImage): Answer
  function predict(images: readonly RawImage[]): Answer[]
  function predict(images: RawImage | readonly RawImage[]): Answer | Answer[] {
    if (!isList(images)) return predictBatch([images])[0]!
    const answers: Answer[] = []
    for (let first = 0; first < images.length; first += maxBatch) answers.push(...predictBatch(images.slice(first, first + maxBatch)))
    return answers
  }
  return { graph, run: execute, predict }
}

/** `Array.isArray` does not narrow a readonly array away. */
function isList(images: RawImage | readonly RawImage[]): images is readonly RawImage[] {
  return Array.isArray(images)
}

function preprocessed(graph: Graph, image: RawImage): Float32Array {
  if (image.channels !== 3) {
    throw new InferError('INFER_ARGUMENT', `graph ${graph.name}: expected an image of 3 channels (red, green, blue), found ${String(image.channels)}; leave out alpha, repeat grey`)
  }
  const input = preprocessImage(image, graph.preprocessing)
  const fixesSize = graph.preprocessing.some(({ step }) => step === 'resize' || step === 'crop')
  const [height, width, channels] = graph.input.shape
  if (!fixesSize && (image.height !== height || image.width !== width || input.length !== height * width * channels)) {
    throw new InferError('INFER_ARGUMENT', `graph ${graph.name}: expected an image that makes [${graph.input.shape.join(', ')}], found ${image.width}x${image.height} pixels; its preprocessing does not resize`)
  }
  return input
}

function answer({ task, outputs: names }: Graph, outputs: ReadonlyMap<string, Float32Array>, batch: number, index: number): Answer {
  const head = (name: string): Float32Array => {
    const values = outputs.get(name)!
    const size = values.length / batch
    return values.slice(index * size, (index + 1) * size)
  }
  if (task.kind === 'digits') return { kind: 'digits', ...decodeDigits(head(task.lengthOutput), task.digitOutputs.map(head)) }
  if (task.kind === 'tensors') return { kind: 'tensors', outputs: new Map(names.map((name) => [name, head(name)])) }
  const probabilities = head(task.output)
  if (!probabilities.every(Number.isFinite)) {
    throw new InferError('INFER_NOT_FINITE', `output ${task.output}: the probabilities are not all finite numbers; the network's weights are no use, or its input was not finite`)
  }
  const probability = probabilities.reduce((max, value) => Math.max(max, value))
  const classIndex = probabilities.indexOf(probability)
  return { kind: 'class', classIndex, className: task.classNames[classIndex]!, probability, probabilities }
}
