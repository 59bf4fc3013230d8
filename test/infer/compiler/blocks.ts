// Blocks of the networks that people have, small: each with all that a compiler may draw together in it.

import type { Conv2dNode, Graph, GraphNode } from '@millrace/infer'

type Shape = readonly [number, number, number]

/** The nodes, a classifier behind them, and the last node's value as an output too. */
function network(shape: Shape, nodes: readonly GraphNode[]): Graph {
  const last = nodes.at(-1)!.name
  return {
    format: 'millrace-graph',
    version: 1,
    name: 'block',
    input: { name: 'image', shape },
    nodes: [
      ...nodes,
      { op: 'globalAveragePool2d', name: 'pooled', input: last },
      { op: 'dense', name: 'logits', input: 'pooled', units: 7, bias: true },
      { op: 'softmax', name: 'answer', input: 'logits' },
    ],
    outputs: ['answer', last],
    preprocessing: [],
    task: { kind: 'class', output: 'answer', classNames: [...'abcdefg'] },
  }
}

function convolution(name: string, input: string, filters: number, size: number, fields: Partial<Conv2dNode> = {}): GraphNode {
  return { op: 'conv2d', name, input, filters, kernelSize: [size, size], strides: [1, 1], padding: 'same', bias: true, ...fields }
}

const norm = (name: string, input: string): GraphNode => ({ op: 'batchNorm', name, input, epsilon: 1e-3 })
const relu = (name: string, input: string): GraphNode => ({ op: 'relu', name, input })

export const blocks: Readonly<Record<string, Graph>> = {
  plain: network([13, 11, 3], [
    convolution('c1', 'image', 16, 3), norm('n1', 'c1'), relu('r1', 'n1'),
    convolution('c2', 'r1', 20, 5, { strides: [2, 2] }), relu('r2', 'c2'), norm('n2', 'r2'),
    { op: 'dropout', name: 'd2', input: 'n2', rate: 0.5 },
    { op: 'maxPool2d', name: 'p2', input: 'd2', poolSize: [3, 3], strides: [2, 2], padding: 'same' },
    convolution('c3', 'p2', 9, 1),
  ]),
  residual: network([14, 14, 3], [
    convolution('c1', 'image', 16, 3), relu('r1', 'c1'),
    convolution('c2', 'r1', 16, 3), norm('n2', 'c2'), { op: 'add', name: 'a2', inputs: ['n2', 'r1'] }, relu('r2', 'a2'),
    convolution('c3', 'r2', 32, 1, { strides: [2, 2] }), convolution('c4', 'r2', 32, 3, { strides: [2, 2], padding: { top: 1, bottom: 1, left: 1, right: 1 } }),
    { op: 'add', name: 'a4', inputs: ['c3', 'c4'] }, { op: 'elu', name: 'e4', input: 'a4', alpha: 0.7 },
  ]),
  'pre-activation': network([9, 9, 8], [
    norm('n1', 'image'), relu('r1', 'n1'), convolution('c1', 'r1', 8, 3, { bias: false }), norm('n2', 'c1'), relu('r2', 'n2'), convolution('c2', 'r2', 8, 3, { bias: false }),
    { op: 'add', name: 'a', inputs: ['c2', 'image'] }, norm('n3', 'a'), relu('r3', 'n3'), convolution('c3', 'r3', 12, 1), { op: 'dropout', name: 'd', input: 'a', rate: 0.1 },
    { op: 'concat', name: 'both', inputs: ['d', 'c3'] },
  ]),
  depthwise: network([15, 9, 3], [
    convolution('c1', 'image', 24, 3, { strides: [2, 2] }), { op: 'clip', name: 'r1', input: 'c1', min: 0, max: 6 },
    convolution('d1', 'r1', 24, 3, { groups: 24, bias: false }), norm('n1', 'd1'), { op: 'clip', name: 'r2', input: 'n1', min: 0, max: 6 },
    convolution('d2', 'r2', 24, 5, { groups: 24, strides: [2, 2] }), convolution('c3', 'd2', 10, 1), { op: 'hardSwish', name: 'h', input: 'c3' },
  ]),
  fire: network([17, 17, 3], [
    convolution('c1', 'image', 12, 3, { strides: [2, 2], padding: 'valid' }), relu('r1', 'c1'), convolution('s', 'r1', 6, 1), relu('rs', 's'),
    convolution('e1', 'rs', 8, 1), relu('re1', 'e1'), convolution('e3', 'rs', 8, 3), relu('re3', 'e3'), { op: 'concat', name: 'wide', inputs: ['re1', 're3'] },
    convolution('e4', 'wide', 5, 3), { op: 'concat', name: 'uneven', inputs: ['wide', 'e4', 'rs'] },
    { op: 'averagePool2d', name: 'p', input: 'uneven', poolSize: [3, 3], strides: [1, 1], padding: 'same', countPadding: false }, { op: 'swish', name: 'last', input: 'p' },
  ]),
  dense: network([6, 6, 4], [
    convolution('a', 'image', 8, 3), { op: 'concat', name: 'ab', inputs: ['image', 'a'] }, norm('n', 'ab'), relu('r', 'n'), convolution('b', 'r', 8, 3),
    { op: 'concat', name: 'abc', inputs: ['ab', 'b'] }, convolution('c', 'abc', 4, 1),
  ]),
  'squeeze and excitation': network([8, 8, 4], [
    convolution('c1', 'image', 16, 3), { op: 'gelu', name: 'g', input: 'c1' }, { op: 'globalAveragePool2d', name: 'q', input: 'g' },
    { op: 'dense', name: 'q1', input: 'q', units: 5, bias: true }, relu('q2', 'q1'), { op: 'dense', name: 'q3', input: 'q2', units: 16, bias: true }, { op: 'sigmoid', name: 'q4', input: 'q3' },
    { op: 'reshape', name: 'q5', input: 'q4', shape: [1, 1, 16] }, { op: 'multiply', name: 'm', inputs: ['g', 'q5'] }, { op: 'tanh', name: 't', input: 'm' }, { op: 'prelu', name: 'last', input: 't' },
  ]),
  groups: network([9, 10, 6], [
    convolution('c0', 'image', 12, 3), convolution('c1', 'c0', 18, 3, { groups: 3 }), convolution('c2', 'c1', 16, 3, { dilations: [2, 2] }), convolution('c3', 'c2', 16, 3, { groups: 2 }),
    { op: 'leakyRelu', name: 'last', input: 'c3', alpha: 0.1 },
  ]),
  shuffle: network([6, 6, 8], [
    convolution('c0', 'image', 8, 1), { op: 'reshape', name: 'x', input: 'c0', shape: [36, 2, 4] }, { op: 'transpose', name: 'y', input: 'x', axes: [0, 2, 1] }, { op: 'reshape', name: 'z', input: 'y', shape: [6, 6, 8] },
    convolution('c1', 'z', 8, 3), { op: 'slice', name: 's1', input: 'c1', begin: 0, size: 4 }, { op: 'slice', name: 's2', input: 'c1', begin: 3, size: 5 },
    convolution('k', 's2', 4, 3), { op: 'concat', name: 'w', inputs: ['s1', 'k'] }, { op: 'pad', name: 'p', input: 'w', margins: { top: 1, bottom: 0, left: 2, right: 0 }, value: 3 },
    { op: 'resize', name: 'last', input: 'p', height: 9, width: 11, method: 'nearest', coordinates: 'half-pixel' },
  ]),
  'axes turned': network([4, 5, 6], [
    convolution('c', 'image', 6, 1), { op: 'reshape', name: 'x', input: 'c', shape: [4, 5, 2, 3] }, { op: 'transpose', name: 'y', input: 'x', axes: [1, 0, 3, 2] }, { op: 'reshape', name: 'z', input: 'y', shape: [5, 4, 6] },
    convolution('last', 'z', 8, 3),
  ]),
  'flattened with uneven channels': network([5, 5, 3], [
    convolution('c', 'image', 5, 3), { op: 'flatten', name: 'f', input: 'c' }, { op: 'dense', name: 'd', input: 'f', units: 35, bias: true }, relu('r', 'd'),
    { op: 'reshape', name: 'last', input: 'r', shape: [1, 5, 7] },
  ]),
}
