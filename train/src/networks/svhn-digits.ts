// Reads a house number of up to five digits in one look: a convolutional trunk, a head for the
// length and one head a digit position. After Goodfellow et al., "Multi-digit Number Recognition from
// Street View Imagery using Deep Convolutional Neural Networks", 2014, in three sizes:
//
//   small       32x32 grey, standardised; 3 x [conv 3x3 16/32/64, batch norm, relu, max pool 2];
//               dense 256, batch norm, relu. 302 thousand weights: minutes on two cores.
//   published   54x54 RGB; 8 x [conv 5x5 48/64/128/160/192x4, batch norm, relu, max pool 2 of stride
//               2 and 1 in turn, dropout]; dense 3072 twice. Batch normalisation stands where the
//               paper has local subtractive normalisation, and relu for its first layer's maxout.
//
//   linear      the same input as small, the heads alone: logistic regression on the pixels, which shows
//               what a network is worth.
//
// All heads are one dense layer, sliced: length 7-way (0 … 5, more), digits 11-way (0-9, blank = 10).

import type { Graph, GraphNode, PreprocessStep } from '@millrace/infer'

export interface SvhnDigitsOptions {
  /** 'small' trains in minutes on two cores and is the default; 'published' is the paper's width and depth. */
  readonly size?: SvhnDigitsSize
}

export type SvhnDigitsSize = 'small' | 'published' | 'linear'

const lengthClasses = 7
const digitClasses = 11
const digitPositions = 5

interface Trunk {
  readonly nodes: readonly GraphNode[]
  readonly last: string
}

/** The untrained network. */
export function svhnDigits({ size = 'small' }: SvhnDigitsOptions = {}): Graph {
  const { name, trunk, input, preprocessing } = sizes[size]
  const { nodes, last } = trunk()
  const digitOutputs = Array.from({ length: digitPositions }, (_, position) => `digit${position + 1}`)
  return {
    format: 'millrace-graph',
    version: 1,
    name,
    input: { name: 'image', shape: input },
    nodes: [...nodes, ...heads(last, digitOutputs)],
    outputs: ['length', ...digitOutputs],
    preprocessing,
    task: { kind: 'digits', lengthOutput: 'length', digitOutputs },
  }
}

const smallPreprocessing: readonly PreprocessStep[] = [
  { step: 'resize', width: 64, height: 64 },
  { step: 'grey' },
  { step: 'crop', width: 54, height: 54 },
  { step: 'resize', width: 32, height: 32 },
  { step: 'standardise' },
]

const publishedPreprocessing: readonly PreprocessStep[] = [
  { step: 'resize', width: 64, height: 64 },
  { step: 'crop', width: 54, height: 54 },
  { step: 'standardise' },
]

interface Architecture {
  readonly name: string
  readonly trunk: () => Trunk
  readonly input: Graph['input']['shape']
  readonly preprocessing: readonly PreprocessStep[]
}

const sizes: Readonly<Record<SvhnDigitsSize, Architecture>> = {
  small: { name: 'svhn-digits', trunk: smallTrunk, input: [32, 32, 1], preprocessing: smallPreprocessing },
  published: { name: 'svhn-digits-published', trunk: publishedTrunk, input: [54, 54, 3], preprocessing: publishedPreprocessing },
  linear: { name: 'svhn-digits-linear', trunk: linearTrunk, input: [32, 32, 1], preprocessing: smallPreprocessing },
}

function linearTrunk(): Trunk {
  return { nodes: [{ op: 'flatten', name: 'flatten', input: 'image' }], last: 'flatten' }
}

function smallTrunk(): Trunk {
  const nodes: GraphNode[] = []
  let last = 'image'
  for (const [index, filters] of [16, 32, 64].entries()) {
    last = convolutionBlock(nodes, last, { index: index + 1, filters, kernel: 3, poolStride: 2, dropout: 0 })
  }
  nodes.push({ op: 'flatten', name: 'flatten', input: last })
  return { nodes, last: denseBlock(nodes, 'flatten', 'dense1', 256, 0) }
}

function publishedTrunk(): Trunk {
  const nodes: GraphNode[] = []
  let last = 'image'
  for (const [index, filters] of [48, 64, 128, 160, 192, 192, 192, 192].entries()) {
    last = convolutionBlock(nodes, last, { index: index + 1, filters, kernel: 5, poolStride: index % 2 === 0 ? 2 : 1, dropout: 0.25 })
  }
  nodes.push({ op: 'flatten', name: 'flatten', input: last })
  last = denseBlock(nodes, 'flatten', 'dense1', 3072, 0.5)
  return { nodes, last: denseBlock(nodes, last, 'dense2', 3072, 0.5) }
}

interface BlockShape {
  readonly index: number
  readonly filters: number
  readonly kernel: number
  readonly poolStride: number
  readonly dropout: number
}

/** conv → batch norm → relu → max pool 2x2 → dropout; the convolution has no bias, beta takes its place. */
function convolutionBlock(nodes: GraphNode[], input: string, { index, filters, kernel, poolStride, dropout }: BlockShape): string {
  nodes.push(
    { op: 'conv2d', name: `conv${index}`, input, filters, kernelSize: [kernel, kernel], strides: [1, 1], padding: 'same', bias: false },
    { op: 'batchNorm', name: `norm${index}`, input: `conv${index}`, epsilon: 1e-3 },
    { op: 'relu', name: `relu${index}`, input: `norm${index}` },
    { op: 'maxPool2d', name: `pool${index}`, input: `relu${index}`, poolSize: [2, 2], strides: [poolStride, poolStride], padding: 'same' },
  )
  if (dropout === 0) return `pool${index}`
  nodes.push({ op: 'dropout', name: `dropout${index}`, input: `pool${index}`, rate: dropout })
  return `dropout${index}`
}

function denseBlock(nodes: GraphNode[], input: string, name: string, units: number, dropout: number): string {
  nodes.push(
    { op: 'dense', name, input, units, bias: false },
    { op: 'batchNorm', name: `${name}-norm`, input: name, epsilon: 1e-3 },
    { op: 'relu', name: `${name}-relu`, input: `${name}-norm` },
  )
  if (dropout === 0) return `${name}-relu`
  nodes.push({ op: 'dropout', name: `${name}-dropout`, input: `${name}-relu`, rate: dropout })
  return `${name}-dropout`
}

function heads(input: string, digitOutputs: readonly string[]): GraphNode[] {
  const nodes: GraphNode[] = [
    { op: 'dense', name: 'heads', input, units: lengthClasses + digitPositions * digitClasses, bias: true },
  ]
  let begin = 0
  for (const [name, size] of [['length', lengthClasses] as const, ...digitOutputs.map((output) => [output, digitClasses] as const)]) {
    nodes.push({ op: 'slice', name: `${name}-logits`, input: 'heads', begin, size }, { op: 'softmax', name, input: `${name}-logits` })
    begin += size
  }
  return nodes
}
