// parseGraph reads what saveModel writes and refuses everything else with the path of the field.

import t from 'tap'
import fc from 'fast-check'
import { InferError, parseGraph, type Graph } from '@millrace/infer'
import { classGraph, digitsGraph } from './networks.js'

type Json = Record<string, unknown>

const asJson = (graph: Graph): Json => JSON.parse(JSON.stringify(graph)) as Json

t.test('a graph comes back as it was', (t) => {
  const graph = digitsGraph()
  t.same(parseGraph(asJson(graph), 'x'), graph)
  const photo = {
    ...classGraph([2, 2, 3], [{ op: 'flatten', name: 'flat', input: 'image' }, { op: 'softmax', name: 'answer', input: 'flat' }], 12),
    preprocessing: [{ step: 'crop', width: 2, height: 2 }, { step: 'normalise', mean: [1, 2, 3], scale: [1, 0.5, 0.25] }],
  } as const
  t.same(parseGraph(asJson(photo), 'x'), photo)
  t.same(parseGraph({ ...asJson(graph), weights: {}, provenance: { by: 'us' } }, 'x'), graph, 'what belongs to the folder is left to it')
  t.end()
})

t.test('wrong documents name the field', (t) => {
  const change = (fields: Json): Json => ({ ...asJson(digitsGraph()), ...fields })
  const changeNode = (fields: Json): Json => {
    const nodes = asJson(digitsGraph())['nodes'] as Json[]
    return change({ nodes: [{ ...nodes[0], ...fields }, ...nodes.slice(1)] })
  }
  const cases: readonly [document: unknown, message: RegExp][] = [
    [null, /^x: expected an object, found null$/],
    [[], /expected an object, found a list of 0/],
    [{}, /expected format "millrace-graph", version 1, found nothing, version nothing/],
    [change({ version: 2 }), /found "millrace-graph", version 2; .*newer Millrace/],
    [change({ name: 7 }), /x: name: expected a name .* found 7/],
    [change({ name: '../../etc' + '\u001b[2J' }), /x: name: expected a name .* found "..\/..\/etc\?\[2J"/],
    [change({ extra: 1 }), /x: extra: expected no such field, found 1/],
    [change({ input: { name: 'image', shape: [8, 8] } }), /x: input.shape: expected 3 numbers, found a list of 2/],
    [change({ input: { name: 'image', shape: [8, 8, '1'] } }), /x: input.shape\[2\]: expected a number, found "1"/],
    [change({ nodes: 'none' }), /x: nodes: expected a list of at most 10000, found "none"/],
    [change({ nodes: [null] }), /x: nodes\[0\]: expected an object, found null/],
    [changeNode({ op: 'evaluate' }), /x: nodes\[0\].op: expected an operation that this version knows, found "evaluate"/],
    [changeNode({ op: undefined }), /x: nodes\[0\].op: expected a text/],
    [changeNode({ filters: '4' }), /x: nodes\[0\].filters: expected a number, found "4"/],
    [changeNode({ filters: null }), /x: nodes\[0\].filters: expected a number, found null/],
    [changeNode({ kernelSize: 3 }), /x: nodes\[0\].kernelSize: expected a list/],
    [changeNode({ strides: [1, 1, 1] }), /x: nodes\[0\].strides: expected a list of at most 2, found a list of 3/],
    [changeNode({ padding: 'SAME' }), /x: nodes\[0\].padding: expected "same" or "valid", found "SAME"/],
    [changeNode({ bias: 1 }), /x: nodes\[0\].bias: expected true or false, found 1/],
    [changeNode({ dilation: [2, 2] }), /x: nodes\[0\].dilation: expected no such field, found a list of 2/],
    [changeNode({ name: 'a b' }), /x: nodes\[0\].name: expected a name/],
    [change({ preprocessing: [{ step: 'rotate' }] }), /x: preprocessing\[0\].step: expected a step that this version knows/],
    [change({ preprocessing: [{ step: 'grey', width: 1 }] }), /x: preprocessing\[0\].width: expected no such field/],
    [change({ task: { kind: 'poem' } }), /x: task.kind: expected "digits", "class" or "tensors"/],
    [change({ task: { kind: 'class', output: 'length', classNames: ['a', 'b', 'c\u0007', 'd'] } }), /x: task.classNames\[2\]: expected a text .* found "c\?"/],
    [change({ task: { kind: 'class', output: 'length', classNames: ['a', 'b', 'c', 'd'], digitOutputs: [] } }), /x: task.digitOutputs: expected no such field/],
  ]
  for (const [document, message] of cases) {
    t.throws(() => parseGraph(document, 'x'), { code: 'INFER_GRAPH_FORMAT', message }, String(message))
  }
  t.throws(() => parseGraph(changeNode({ filters: 1e300 }), 'x'), { code: 'INFER_GRAPH_INVALID' }, 'absurd sizes')
  t.throws(() => parseGraph(changeNode({ filters: 2 ** 40, kernelSize: [2 ** 50, 2 ** 50] }), 'x'), { code: 'INFER_GRAPH_INVALID' })
  t.throws(() => parseGraph(changeNode({ kernelSize: [2 ** 50, 2 ** 50] }), 'x'), { code: 'INFER_GRAPH_INVALID' }, 'a kernel that no memory holds')
  t.end()
})

t.test('any document is a graph or a typed error', (t) => {
  const good = asJson(digitsGraph())
  const paths = leafPaths(good)
  const oddities = fc.oneof(fc.constantFrom(null, -1, 0, 0.5, 1e9, 2 ** 53, 1e308, '', '__proto__', [], {}, true, 'conv'), fc.jsonValue())
  fc.assert(
    fc.property(fc.constantFrom(...paths), oddities, (path, value) => isGraphOrError(replaced(good, path, value))),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.jsonValue(), (value) => isGraphOrError(value)))
  t.end()
})

function isGraphOrError(document: unknown): boolean {
  try {
    parseGraph(document, 'x')
    return true
  } catch (error) {
    if (error instanceof InferError) return true
    throw error
  }
}

function leafPaths(value: unknown): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[]]
  return [[], ...Object.entries(value).flatMap(([key, child]) => leafPaths(child).map((path) => [key, ...path]))]
}

function replaced(document: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  const copy = (Array.isArray(document) ? [...document] : { ...(document as Json) }) as Json
  copy[key] = replaced(copy[key], rest, value)
  return copy
}
