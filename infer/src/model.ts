// A network ready to answer: a graph and what computes it behind two methods, `run` on tensors and `predict`
// on images.

import { decodeDigits, type DigitReading } from './digits.js'
import { InferError } from './errors.js'
import type { Graph } from './graph.js'
import type { RawImage } from './image.js'
import { preprocessImage } from './preprocess.js'
import type { Executor, Runner, RunsOn } from './runtime/executor.js'
import type { WinogradUse } from './runtime/plan.js'
import type { SessionOptions } from './runtime/session.js'
import type { VariantChoice } from './runtime/variants.js'

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
  /** What computes its outputs: a variant of its compiled form, or the caller's own. */
  readonly runsOn: RunsOn
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
  /** Lets go of its memory; afterwards `run` and `predict` throw INFER_ARGUMENT. May be called again. */
  dispose(): void
}

export interface ModelOptions extends SessionOptions {
  /** Images that a run takes at once; more are run in parts. Memory grows with it. Default 8. */
  readonly batch?: number
  /** Whether Winograd's convolution may be used: 'never' rounds more finely and runs more slowly. Default 'auto'. */
  readonly winograd?: WinogradUse
  /** Which variant to use. Default `auto`: the faster, by a few milliseconds of measuring once a process. */
  readonly variant?: VariantChoice
  /** What computes. Default: the network compiled to WebAssembly. */
  readonly execute?: Executor
}

/** Images that are compiled for if nothing else is said. */
export const defaultBatch = 8

/** @throws InferError INFER_ARGUMENT for a batch below 1 */
export function checkBatch(batch: number): number {
  if (!(Number.isSafeInteger(batch) && batch >= 1)) throw new InferError('INFER_ARGUMENT', `batch: expected a whole number from 1, found ${batch}`)
  return batch
}

/** A model that answers with what the runner computes. */
export function runnerModel(graph: Graph, { execute, batch: maxBatch, runsOn, dispose }: Runner): Model {
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
  return { graph, runsOn, run: execute, predict, dispose }
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
