// Reads a graph from a JSON document that nobody vouches for. Every field is checked for its type, and
// one that this version does not know is an error: ignoring it could mean computing something else than
// was meant. Whether the nodes fit each other is then for inferShapes to say.
//
// The document is `Graph` as graph.ts declares it; `weights` and `provenance` beside it belong to the
// model folder (model-folder.ts).

import { inFile, InferError } from './errors.js'
import type { Graph, GraphNode, Margins, NaryNode, Padding, PreprocessStep, Task, UnaryNode } from './graph.js'
import { JsonFields, showJson } from './json-fields.js'
import { weightSpecs } from './shapes.js'

const maxNodes = 10_000
const maxAxes = 8
const maxClasses = 1_000_000

/**
 * A graph from parsed JSON, fit to be run.
 * @param name what errors call the document, such as its path.
 * @throws InferError INFER_GRAPH_FORMAT naming the field of the wrong type; INFER_GRAPH_INVALID as `weightSpecs`.
 */
export function parseGraph(json: unknown, name: string): Graph {
  const document = new JsonFields(json, name, '', ['weights', 'provenance'])
  const format = document.take('format')
  const version = document.take('version')
  if (format !== 'millrace-graph' || version !== 1) {
    throw new InferError('INFER_GRAPH_FORMAT', `${name}: expected format "millrace-graph", version 1, found ${showJson(format)}, version ${showJson(version)}; it was made by something else, or by a newer Millrace`, { path: name })
  }
  const graph: Graph = {
    format,
    version,
    name: document.name('name'),
    input: parseInput(document),
    nodes: document.objects('nodes', maxNodes).map(parseNode),
    outputs: document.names('outputs', maxNodes),
    preprocessing: document.objects('preprocessing', 100).map(parseStep),
    task: parseTask(document.object('task')),
  }
  document.end()
  inFile(name, () => weightSpecs(graph))
  return graph
}

function parseInput(document: JsonFields): Graph['input'] {
  const input = document.object('input')
  const parsed = { name: input.name('name'), shape: input.numbers('shape', 3) as [number, number, number] }
  input.end()
  return parsed
}

function parseNode(fields: JsonFields): GraphNode {
  const name = fields.name('name')
  const op = fields.text('op')
  const node = isNary(op) ? { name, op, inputs: fields.names('inputs', maxNodes) } : { name, input: fields.name('input'), ...parseOperation(op, fields) }
  fields.end()
  return node
}

function isNary(op: string): op is NaryNode['op'] {
  return op === 'add' || op === 'subtract' || op === 'multiply' || op === 'concat'
}

/** `Omit` on a union would lose what tells its members apart. */
type Operation = UnaryNode extends infer Node ? (Node extends UnaryNode ? Omit<Node, 'name' | 'input'> : never) : never

function parseOperation(op: string, fields: JsonFields): Operation {
  switch (op) {
    case 'conv2d':
      return {
        op, filters: fields.number('filters'), kernelSize: fields.pair('kernelSize'), ...parseWindows(fields), bias: fields.flag('bias'),
        ...(fields.has('groups') && { groups: fields.number('groups') }),
        ...(fields.has('dilations') && { dilations: fields.pair('dilations') }),
      }
    case 'convTranspose2d':
      return { op, filters: fields.number('filters'), kernelSize: fields.pair('kernelSize'), ...parseWindows(fields), bias: fields.flag('bias') }
    case 'dense':
      return { op, units: fields.number('units'), bias: fields.flag('bias') }
    case 'batchNorm':
      return { op, epsilon: fields.number('epsilon') }
    case 'maxPool2d':
      return { op, poolSize: fields.pair('poolSize'), ...parseWindows(fields) }
    case 'averagePool2d':
      return { op, poolSize: fields.pair('poolSize'), ...parseWindows(fields), countPadding: fields.flag('countPadding') }
    case 'dropout':
      return { op, rate: fields.number('rate') }
    case 'slice':
      return { op, begin: fields.number('begin'), size: fields.number('size') }
    case 'reshape':
      return { op, shape: fields.numbers('shape', 1, maxAxes) }
    case 'transpose':
      return { op, axes: fields.numbers('axes', 1, maxAxes) }
    case 'pad':
      return { op, margins: parseMargins(fields.object('margins')), value: fields.number('value') }
    case 'resize':
      return { op, height: fields.number('height'), width: fields.number('width'), method: fields.choice('method', ['nearest', 'bilinear']), coordinates: fields.choice('coordinates', ['half-pixel', 'asymmetric', 'align-corners']) }
    case 'clip':
      return { op, min: fields.number('min'), max: fields.number('max') }
    case 'elu':
    case 'leakyRelu':
      return { op, alpha: fields.number('alpha') }
    case 'hardSigmoid':
      return { op, alpha: fields.number('alpha'), beta: fields.number('beta') }
    case 'localResponseNorm':
      return { op, size: fields.number('size'), alpha: fields.number('alpha'), beta: fields.number('beta'), bias: fields.number('bias') }
    case 'subtractiveNorm':
      return { op, size: fields.number('size') }
    case 'maxout':
      return { op, pieces: fields.number('pieces') }
    case 'relu':
    case 'prelu':
    case 'sigmoid':
    case 'tanh':
    case 'swish':
    case 'hardSwish':
    case 'gelu':
    case 'globalAveragePool2d':
    case 'globalMaxPool2d':
    case 'flatten':
    case 'softmax':
      return { op }
    default:
      return fields.fail('op', 'an operation that this version knows', op)
  }
}

function parseWindows(fields: JsonFields): { strides: [number, number]; padding: Padding } {
  const strides = fields.pair('strides')
  if (fields.isText('padding')) return { strides, padding: fields.choice('padding', ['same', 'valid']) }
  return { strides, padding: parseMargins(fields.object('padding')) }
}

function parseMargins(fields: JsonFields): Margins {
  const margins = { top: fields.number('top'), bottom: fields.number('bottom'), left: fields.number('left'), right: fields.number('right') }
  fields.end()
  return margins
}

function parseStep(fields: JsonFields): PreprocessStep {
  const parsed = stepOf(fields)
  fields.end()
  return parsed
}

function stepOf(fields: JsonFields): PreprocessStep {
  const step = fields.text('step')
  switch (step) {
    case 'resize':
    case 'crop':
      return { step, width: fields.number('width'), height: fields.number('height') }
    case 'grey':
    case 'standardise':
      return { step }
    case 'normalise':
      return { step, mean: fields.numbers('mean', 1, 3), scale: fields.numbers('scale', 1, 3) }
    default:
      return fields.fail('step', 'a step that this version knows', step)
  }
}

function parseTask(fields: JsonFields): Task {
  const kind = fields.text('kind')
  let task: Task
  if (kind === 'digits') task = { kind, lengthOutput: fields.name('lengthOutput'), digitOutputs: fields.names('digitOutputs', 100) }
  else if (kind === 'class') task = { kind, output: fields.name('output'), classNames: fields.texts('classNames', maxClasses) }
  else if (kind === 'tensors') task = { kind }
  else return fields.fail('kind', '"digits", "class" or "tensors"', kind)
  fields.end()
  return task
}
