// What inferShapes and weightSpecs say about good graphs, and which node they blame in bad ones.

import t from 'tap'
import { inferShapes, InferError, weightSpecs, type Graph, type GraphNode } from '@millrace/infer'
import { classGraph, digitsGraph } from './networks.js'

/** The graph with one node's fields replaced. */
function changed(name: string, fields: object): Graph {
  const graph = digitsGraph()
  return { ...graph, nodes: graph.nodes.map((node) => (node.name === name ? ({ ...node, ...fields } as GraphNode) : node)) }
}

t.test('shapes in graph order, without the batch', (t) => {
  const shapes = inferShapes(digitsGraph())
  t.same([...shapes].slice(0, 8), [
    ['image', [8, 8, 1]], ['conv', [8, 8, 4]], ['norm', [8, 8, 4]], ['relu', [8, 8, 4]],
    ['pool', [4, 4, 4]], ['flat', [64]], ['drop', [64]], ['heads', [26]],
  ])
  t.same(shapes.get('digit2'), [11])
  t.end()
})

t.test('windows: same is ceil(in / stride), valid is floor((in − window) / stride) + 1', (t) => {
  for (const [padding, window, stride, expected] of [['same', 3, 2, 4], ['same', 2, 3, 3], ['same', 9, 1, 7], ['valid', 3, 2, 3], ['valid', 2, 3, 2], ['valid', 7, 1, 1]] as const) {
    const graph = classGraph([7, 7, 1], [
      { op: 'conv2d', name: 'conv', input: 'image', filters: 5, kernelSize: [window, 1], strides: [stride, 1], padding, bias: false },
      { op: 'flatten', name: 'flat', input: 'conv' },
      { op: 'softmax', name: 'answer', input: 'flat' },
    ], expected * 7 * 5)
    t.same(inferShapes(graph).get('conv'), [expected, 7, 5], `${padding} ${window}/${stride}`)
  }
  t.end()
})

t.test('weights in node order; moving statistics are not trained', (t) => {
  t.same(weightSpecs(digitsGraph()), [
    { name: 'conv/kernel', shape: [3, 3, 1, 4], trainable: true },
    { name: 'conv/bias', shape: [4], trainable: true },
    { name: 'norm/gamma', shape: [4], trainable: true },
    { name: 'norm/beta', shape: [4], trainable: true },
    { name: 'norm/mean', shape: [4], trainable: false },
    { name: 'norm/variance', shape: [4], trainable: false },
    { name: 'heads/kernel', shape: [64, 26], trainable: true },
    { name: 'heads/bias', shape: [26], trainable: true },
  ])
  t.end()
})

t.test('a bad graph names the node and what was expected', (t) => {
  const graph = digitsGraph()
  const task = graph.task as Extract<Graph['task'], { kind: 'digits' }>
  const cases: readonly [name: string, graph: Graph, message: RegExp][] = [
    ['a name twice', changed('norm', { name: 'conv' }), /node "conv": this name is used twice/],
    ['the name of the input', changed('norm', { name: 'image' }), /node "image": this name is used twice/],
    ['an unknown input', changed('norm', { input: 'nowhere' }), /node "norm": its input "nowhere" is not defined before it/],
    ['an input defined later', changed('conv', { input: 'relu' }), /node "conv": its input "relu"/],
    ['its own input', changed('conv', { input: 'conv' }), /node "conv"/],
    ['no filters', changed('conv', { filters: 0 }), /node "conv": expected its filters to be a whole number above 0, found 0/],
    ['half a unit', changed('heads', { units: 2.5 }), /node "heads": expected its units/],
    ['a stride of 0', changed('pool', { strides: [0, 2] }), /node "pool": expected its stride/],
    ['a negative window', changed('pool', { poolSize: [2, -2] }), /node "pool": expected its window size/],
    ['a window that does not fit', changed('pool', { poolSize: [9, 9] }), /node "pool": its 9x9 window does not fit into \[8, 8, 4\]/],
    ['dense on an image', changed('heads', { input: 'pool' }), /node "heads": expected an input \[units\], found \[4, 4, 4\]; put a flatten/],
    ['convolution on a vector', { ...graph, nodes: [...graph.nodes, { op: 'conv2d', name: 'late', input: 'flat', filters: 1, kernelSize: [1, 1], strides: [1, 1], padding: 'same', bias: false }] }, /node "late": expected an input \[height, width, channels\], found \[64\]/],
    ['a slice past the end', changed('digit2-logits', { begin: 16 }), /node "digit2-logits": expected begin and size within the 26 values/],
    ['a slice from before the start', changed('digit2-logits', { begin: -1 }), /node "digit2-logits"/],
    ['a negative epsilon', changed('norm', { epsilon: -1 }), /node "norm": expected an epsilon/],
    ['a rate of 1', changed('drop', { rate: 1 }), /node "drop": expected a rate/],
    ['an unknown op', changed('relu', { op: 'mish' }), /node "relu": unknown op "mish"/],
    ['an input of two axes', { ...graph, input: { name: 'image', shape: [8, 8] as unknown as [number, number, number] } }, /input: expected a shape/],
    ['an input without width', { ...graph, input: { name: 'image', shape: [8, 0, 1] } }, /input: expected its size/],
    ['values beyond any memory', changed('conv', { filters: 2 ** 30 }), /node "conv": the values up to here exceed/],
    ['weights beyond any memory', changed('heads', { units: 2 ** 24 }), /weights: \d+ values exceed/],
    ['no outputs', { ...graph, outputs: [] }, /outputs: expected at least one/],
    ['an output twice', { ...graph, outputs: ['length', 'length'] }, /outputs: one is listed twice/],
    ['an unknown output', { ...graph, outputs: [...graph.outputs, 'nowhere'] }, /outputs: there is no node "nowhere"/],
    ['preprocessing to another size', { ...graph, preprocessing: [{ step: 'resize', width: 8, height: 9 }, { step: 'grey' }] }, /preprocessing: expected it to make the input's \[8, 8, 1\], found \[9, 8, 1\]/],
    ['preprocessing to other channels', { ...graph, preprocessing: [{ step: 'resize', width: 8, height: 8 }] }, /found \[8, 8, 3\]/],
    ['grey twice', { ...graph, preprocessing: [{ step: 'grey' }, { step: 'grey' }] }, /step 2 \(grey\): expected 3 channels, found 1/],
    ['a crop that can never fit', { ...graph, preprocessing: [{ step: 'resize', width: 6, height: 9 }, { step: 'crop', width: 8, height: 8 }] }, /step 2 \(crop\): cannot take 8x8/],
    ['a huge resize', { ...graph, preprocessing: [{ step: 'resize', width: 1e9, height: 8 }] }, /step 1 \(resize\): expected a width and height of 1 to 16384/],
    ['normalise without channels', { ...graph, preprocessing: [{ step: 'normalise', mean: [1], scale: [1, 1, 1] }] }, /step 1 \(normalise\): expected 3 values/],
    ['normalise by NaN', { ...graph, preprocessing: [{ step: 'normalise', mean: [1, 2, NaN], scale: [1, 1, 1] }] }, /step 1 \(normalise\): expected finite/],
    ['a task output that is none', { ...graph, task: { ...task, lengthOutput: 'heads' } }, /task output "heads": expected one of the outputs/],
    ['a task output of another size', { ...graph, task: { ...task, lengthOutput: 'digit1' } }, /task output "digit1": expected \[4\], found \[11\]/],
    ['too few digits', { ...graph, task: { ...task, digitOutputs: ['digit1'] } }, /task output "length": expected \[3\], found \[4\]/],
    ['a class too many', { ...graph, task: { kind: 'class', output: 'length', classNames: ['a', 'b', 'c'] } }, /task output "length": expected \[3\]/],
    ['a task on logits', { ...graph, outputs: ['length-logits'], task: { kind: 'class', output: 'length-logits', classNames: ['a', 'b', 'c', 'd'] } }, /expected probabilities from a softmax node, found slice/],
  ]
  for (const [name, bad, message] of cases) {
    t.throws(() => weightSpecs(bad), { name: 'InferError', code: 'INFER_GRAPH_INVALID', message }, name)
  }
  t.end()
})

t.test('the error carries the node', (t) => {
  try {
    inferShapes(changed('norm', { input: 'nowhere' }))
    t.fail('expected an error')
  } catch (error) {
    t.equal((error as InferError).details.node, 'norm')
  }
  t.end()
})
