// compiled/<target>/plan.json: a network's plan, and the digests of the files that it was made of and of
// those beside it. Nobody vouches for it, so every number is checked against the graph and against the
// others before anything is done with it: what passes cannot make a session read or write outside its arena.
//
//   { format: 'millrace-plan', version: 1,
//     graph, weights: digests of the sources        packed, modules: { simd, relaxed }: digests beside it
//     batch, winograd, arenaBytes, input, outputs, steps: the plan }

import { InferError } from '../errors.js'
import type { FileDigest } from '../file-digest.js'
import type { Graph } from '../graph.js'
import { JsonFields } from '../json-fields.js'
import type { Layout } from '../kernels/network/kernel.js'
import { countValues, inferShapes } from '../shapes.js'
import { damaged } from './check-module.js'
import type { NetworkPlan, PlannedStep, TensorPlace, VariantName } from './plan.js'

export interface StoredPlan extends NetworkPlan {
  /** Of graph.json and weights.safetensors. */
  readonly sources: { readonly graph: FileDigest; readonly weights: FileDigest }
  readonly packed: FileDigest
  readonly modules: ReadonlyMap<VariantName, FileDigest>
}

export const planFileName = 'plan.json'
export const packedFileName = 'packed.bin'
/** Fixed, like all names in a model folder, so that no document can make a loader read elsewhere. */
export const moduleFileNames: Readonly<Record<VariantName, string>> = { simd: 'model.wasm', relaxed: 'model-relaxed.wasm' }

/** What marks the file for those who would replace it. */
export const planFormat = 'millrace-plan'

const maxSteps = 100_000
const maxBatch = 2 ** 20
/** What 32 bits can address. */
const maxBytes = 2 ** 32

/** The same plan always gives the same text. */
export function planDocument({ sources, packed, modules, batch, winograd, arenaBytes, input, outputs, steps }: StoredPlan): object {
  const place = ({ name, offsetBytes, layout: { height, width, channels, pixelBytes, rowBytes, imageBytes } }: TensorPlace): object => ({ name, offsetBytes, layout: { height, width, channels, pixelBytes, rowBytes, imageBytes } })
  return { format: planFormat, version: 1, ...sources, packed, modules: Object.fromEntries(modules), batch, winograd, arenaBytes, input: place(input), outputs: outputs.map(place), steps }
}

/**
 * @param path what errors call the document
 * @throws InferError INFER_COMPILED if a field is not what it should be
 */
export function parsePlan(document: unknown, graph: Graph, path: string): StoredPlan {
  try {
    const fields = new JsonFields(document, path, '')
    fields.choice('format', [planFormat])
    if (fields.take('version') !== 1) throw damaged(path, 'expected version 1; a newer version of this package may read it')
    const sources = { graph: digest(fields.object('graph')), weights: digest(fields.object('weights')) }
    const packed = digest(fields.object('packed'))
    const modules = variantDigests(fields.object('modules'))
    const winograd = fields.choice('winograd', ['auto', 'never', 'always'])
    const [batch, arenaBytes] = [whole(fields, 'batch', 1, maxBatch), whole(fields, 'arenaBytes', 0, maxBytes, 4)]
    const shapes = inferShapes(graph)
    const tensor = (place: JsonFields, name: string): TensorPlace => tensorPlace(place, name, shapes.get(name)!, batch, arenaBytes)
    const input = tensor(fields.object('input'), graph.input.name)
    const places = fields.objects('outputs', graph.outputs.length)
    if (places.length !== graph.outputs.length) throw damaged(path, `expected ${graph.outputs.length} outputs, found ${places.length}`)
    const outputs = places.map((place, index) => tensor(place, graph.outputs[index]!))
    const steps = fields.objects('steps', maxSteps).map(plannedStep)
    fields.end()
    if (packed.byteLength % 4 !== 0) throw damaged(path, `packed: expected whole float32 values, found ${packed.byteLength} bytes`)
    return { sources, packed, modules, batch, winograd, arenaBytes, input, outputs, steps, weightBytes: packed.byteLength }
  } catch (error) {
    if (error instanceof InferError && error.code === 'INFER_GRAPH_FORMAT') throw damaged(path, error.message.replace(`${path}: `, ''), error)
    throw error
  }
}

/**
 * A value's place, within the arena for every image of a batch. Images do not overlap, so no output can be larger
 * than the arena.
 */
function tensorPlace(fields: JsonFields, name: string, shape: readonly number[], batch: number, arenaBytes: number): TensorPlace {
  if (fields.name('name') !== name) fields.fail('name', `"${name}"`, 'another name')
  const offsetBytes = whole(fields, 'offsetBytes', 0, maxBytes, 4)
  const inner = fields.object('layout')
  const layout: Layout = {
    height: whole(inner, 'height', 1, maxBytes),
    width: whole(inner, 'width', 1, maxBytes),
    channels: whole(inner, 'channels', 1, maxBytes),
    pixelBytes: whole(inner, 'pixelBytes', 4, maxBytes, 4),
    rowBytes: whole(inner, 'rowBytes', 4, maxBytes, 4),
    imageBytes: whole(inner, 'imageBytes', 4, maxBytes, 4),
  }
  inner.end()
  fields.end()
  const { height, width, channels, pixelBytes, rowBytes, imageBytes } = layout
  const values = height * width * channels
  const extent = (height - 1) * rowBytes + (width - 1) * pixelBytes + 4 * channels
  if (values !== countValues(shape) || channels !== shape.at(-1)) fields.fail('layout', `the values of [${shape.join(', ')}]`, `${height}x${width}x${channels}`)
  if (pixelBytes < 4 * channels || rowBytes < width * pixelBytes || imageBytes < extent) fields.fail('layout', 'pixels, rows and images that do not overlap', `${pixelBytes}, ${rowBytes}, ${imageBytes} bytes`)
  if (offsetBytes + (batch - 1) * imageBytes + extent > arenaBytes) fields.fail('offsetBytes', `a place for ${batch} images in an arena of ${arenaBytes} bytes`, offsetBytes)
  return { name, shape, offsetBytes, layout }
}

function plannedStep(fields: JsonFields): PlannedStep {
  const step = { node: fields.text('node'), kernel: fields.text('kernel'), multiplyAdds: whole(fields, 'multiplyAdds', 0), weightBytes: whole(fields, 'weightBytes', 0), valueBytes: whole(fields, 'valueBytes', 0) }
  if (!fields.has('tiles')) {
    fields.end()
    return step
  }
  const texts = fields.object('tiles')
  const tiles = { simd: texts.text('simd'), relaxed: texts.text('relaxed') }
  texts.end()
  fields.end()
  return { ...step, tiles }
}

function variantDigests(fields: JsonFields): Map<VariantName, FileDigest> {
  const digests = new Map<VariantName, FileDigest>()
  for (const variant of ['simd', 'relaxed'] as const) if (variant === 'simd' || fields.has(variant)) digests.set(variant, digest(fields.object(variant)))
  fields.end()
  return digests
}

function digest(fields: JsonFields): FileDigest {
  const sha256 = fields.text('sha256')
  if (!/^[0-9a-f]{64}$/.test(sha256)) fields.fail('sha256', '64 hexadecimal digits', sha256)
  const byteLength = whole(fields, 'byteLength', 0)
  fields.end()
  return { sha256, byteLength }
}

function whole(fields: JsonFields, field: string, least: number, most = Number.MAX_SAFE_INTEGER, multiple = 1): number {
  const value = fields.number(field)
  const isFine = Number.isSafeInteger(value) && value >= least && value <= most && value % multiple === 0
  return isFine ? value : fields.fail(field, `a whole number from ${least} to ${most}${multiple === 1 ? '' : `, a multiple of ${multiple}`}`, value)
}
