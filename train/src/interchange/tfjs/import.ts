// TensorFlow.js layers models (model.json and its shards) → Millrace's graph: Sequential and Functional networks of
// Keras' layers for images. Both have the channels last, so every layer is a node or two.

import { basename, dirname } from 'node:path'
import { InferError } from '@millrace/infer'
import { TrainError } from '../../errors.js'
import { readWhole } from '../files.js'
import { GraphBuilder } from '../graph-builder.js'
import { maxNodes } from '../limits.js'
import { failIn, finishNetwork, safeName, shown, type Fail, type ImportedNetwork, type ImportOptions } from '../network-file.js'
import { Layer, type Json } from './layer.js'
import { addLayer } from './layers.js'
import { readTfjsWeights, type TfjsWeight } from './weights.js'

/**
 * The network of a TensorFlow.js layers model; the shards lie in the folder of `path` (a model.json).
 * @throws TrainError TRAIN_NETWORK_FILE; TRAIN_NETWORK_UNSUPPORTED naming the layer that Millrace's graph does not know
 */
export async function readTfjs(path: string, options: ImportOptions = {}): Promise<ImportedNetwork> {
  const fail = failIn(options.file ?? path)
  const document = parse(await readWhole(path, fail), fail)
  const { format, modelTopology, weightsManifest } = document
  if (format === 'graph-model') return fail('TRAIN_NETWORK_UNSUPPORTED', 'is a graph model, of frozen operators; convert the Keras model with --output_format=tfjs_layers_model, or to ONNX')
  const weights = await readTfjsWeights(path, weightsManifest, fail)
  try {
    return new LayersImport(modelTopology, weights, fail).run(basename(dirname(path)) || 'imported', options)
  } catch (error) {
    if (error instanceof TrainError) throw error
    if (error instanceof InferError) return fail('TRAIN_NETWORK_FILE', error.message, error)
    throw error
  }
}

function parse(bytes: Uint8Array, fail: Fail): Json {
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document as Json
  } catch (error) {
    return fail('TRAIN_NETWORK_FILE', `expected JSON: ${(error as Error).message}`, error)
  }
  return fail('TRAIN_NETWORK_FILE', 'expected a JSON object')
}

class LayersImport {
  readonly #layers: readonly Layer[]
  readonly #outputs: readonly string[]
  readonly #fail: Fail

  constructor(topology: unknown, weights: ReadonlyMap<string, TfjsWeight>, fail: Fail) {
    this.#fail = fail
    const model = object(object(topology)['model_config'] ?? topology)
    const kind = model['class_name']
    const config = Array.isArray(model['config']) ? { layers: model['config'] } : object(model['config'])
    if (!Array.isArray(config['layers']) || config['layers'].length === 0 || config['layers'].length > maxNodes) fail('TRAIN_NETWORK_FILE', 'expected modelTopology to hold a model_config with a list of layers')
    const layers = (config['layers'] as readonly unknown[]).map((layer) => new Layer(object(layer), weights, fail))
    if (kind === 'Sequential') {
      this.#layers = layers.map((layer, index) => (index === 0 ? layer : layer.after(layers[index - 1]!.name)))
      this.#outputs = [layers.at(-1)!.name]
    } else if (kind === 'Functional' || kind === 'Model') {
      this.#layers = layers
      this.#outputs = endpoints(config['output_layers'], fail)
    } else {
      this.#layers = fail('TRAIN_NETWORK_UNSUPPORTED', `expected a Sequential or Functional model, found ${shown(kind)}`)
      this.#outputs = []
    }
  }

  run(name: string, options: ImportOptions): ImportedNetwork {
    const [first] = this.#layers as [Layer]
    const inputs = this.#layers.filter(({ kind }) => kind === 'InputLayer')
    if (inputs.length > 1) this.#fail('TRAIN_NETWORK_UNSUPPORTED', `expected one input, the image, found ${inputs.length}`)
    const opening = inputs[0] ?? first
    const builder = new GraphBuilder({ name: opening.kind === 'InputLayer' ? safeName(opening.name) || 'input' : 'input', shape: opening.inputShape(options.inputSize) })
    const values = new Map<string, string>([[opening.kind === 'InputLayer' ? opening.name : '', builder.input.name]])
    for (const layer of this.#layers) {
      if (layer.kind === 'InputLayer') continue
      const inputsOf = layer === opening ? [builder.input.name] : layer.inputs.map((input) => values.get(input) ?? layer.damaged(`its input ${shown(input)} is not made before it`))
      values.set(layer.name, addLayer(layer, builder, inputsOf))
    }
    const outputs = this.#outputs.map((output) => values.get(output) ?? this.#fail('TRAIN_NETWORK_FILE', `output ${shown(output)} is made by no layer`))
    for (const [index, node] of outputs.entries()) builder.rename(node, this.#outputs[index]!)
    return finishNetwork({ name, builder, outputs: [...new Set(outputs)] }, options, this.#fail)
  }
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

/** [[name, node, tensor], …], or the first of them alone. */
function endpoints(value: unknown, fail: Fail): string[] {
  const list = Array.isArray(value) && typeof value[0] === 'string' ? [value] : value
  const names = Array.isArray(list) ? list.map((entry: unknown) => (Array.isArray(entry) ? entry[0] : undefined)) : []
  if (names.length === 0 || !names.every((name) => typeof name === 'string')) return fail('TRAIN_NETWORK_FILE', 'expected output_layers of a name, a node and a tensor each')
  return names as string[]
}

