// Reads a graph from a JSON document that nobody vouches for. Every field is checked for its type, and
// one that this version does not know is an error: ignoring it could mean computing something else than
// was meant. Whether the nodes fit each other is then for inferShapes to say.
//
// The document is `Graph` as graph.ts declares it; `weights` and `provenance` beside it belong to the
// model folder (model-folder.ts).

import { inFile, InferError } from './errors.js'
import type { Graph, GraphNode, Padding, PreprocessStep, Task } from './graph.js'
import { JsonFields, showJson } from './json-fields.js'
import { weightSpecs } from './shapes.js'

const maxNodes = 10_000
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
  const node = { name: fields.name('name'), input: fields.name('input'), ...parseOperation(fields) }
  fields.end()
  return node
}

/** `Omit` on a union would lose what tells its members apart. */
type Operation = GraphNode extends infer Node ? (Node extends GraphNode ? Omit<Node, 'name' | 'input'> : never) : never

function parseOperation(fields: JsonFields): Operation {
  const op = fields.text('op')
  switch (op) {
    case 'conv2d':
      return { op, filters: fields.number('filters'), kernelSize: fields.pair('kernelSize'), strides: fields.pair('strides'), padding: parsePadding(fields), bias: fields.flag('bias') }
    case 'dense':
      return { op, units: fields.number('units'), bias: fields.flag('bias') }
    case 'batchNorm':
      return { op, epsilon: fields.number('epsilon') }
    case 'maxPool2d':
      return { op, poolSize: fields.pair('poolSize'), strides: fields.pair('strides'), padding: parsePadding(fields) }
    case 'dropout':
      return { op, rate: fields.number('rate') }
    case 'slice':
      return { op, begin: fields.number('begin'), size: fields.number('size') }
    case 'relu':
    case 'flatten':
    case 'softmax':
      return { op }
    default:
      return fields.fail('op', 'an operation that this version knows', op)
  }
}

function parsePadding(fields: JsonFields): Padding {
  const padding = fields.text('padding')
  return padding === 'same' || padding === 'valid' ? padding : fields.fail('padding', '"same" or "valid"', padding)
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
  else return fields.fail('kind', '"digits" or "class"', kind)
  fields.end()
  return task
}
