// A network as the peers' own converters would hand it to them: batch norm folded into the convolution or dense
// layer before it, dropout gone. Batch norm that stands behind an activation stays.

import { nodeInputs, weightSpecs } from '../../infer/dist/index.js'

/** The graph and weights that compute the same. */
export function foldForPeers(graph, weights) {
  const folded = new Map(weights)
  const renamed = new Map()
  const nodes = []
  for (const original of graph.nodes) {
    const node = withInputs(original, nodeInputs(original).map((name) => renamed.get(name) ?? name))
    const before = nodes.findIndex(({ name }) => name === node.input)
    if (node.op === 'dropout') {
      renamed.set(node.name, node.input)
    } else if (node.op === 'batchNorm' && isLinear(nodes[before]) && readers(graph, nodes[before].name) === 1) {
      foldNorm(nodes[before], node, folded)
      nodes[before] = { ...nodes[before], bias: true }
      renamed.set(node.name, node.input)
    } else {
      nodes.push(node)
    }
  }
  const result = { ...graph, nodes }
  return { graph: result, weights: new Map(weightSpecs(result).map(({ name }) => [name, folded.get(name)])) }
}

/** The same nodes with activations as the `activation` of the layer before them, where a peer has it so; of clips only ReLU6. */
export function fuseActivations(graph, { layers, activations }) {
  const fused = new Map()
  for (const node of graph.nodes) {
    const before = graph.nodes.find(({ name }) => name === node.input)
    const isFusible = activations.includes(node.op) && (node.op !== 'clip' || (node.min === 0 && node.max === 6))
    if (isFusible && layers.includes(before?.op) && readers(graph, before.name) === 1) fused.set(before.name, node)
  }
  const taken = new Set([...fused.values()].map(({ name }) => name))
  const nameOf = (name) => [...fused].find(([, activation]) => activation.name === name)?.[0] ?? name
  const nodes = graph.nodes.filter(({ name }) => !taken.has(name)).map((node) => {
    const activation = fused.get(node.name)?.op
    return { ...withInputs(node, nodeInputs(node).map(nameOf)), ...(activation && { activation }) }
  })
  return { ...graph, nodes }
}

/** Multiplications and additions of all convolutions and dense layers, for one image. */
export function countFlops(graph, shapes) {
  const product = (shape) => shape.reduce((total, size) => total * size, 1)
  return graph.nodes.reduce((total, node) => {
    const [input] = nodeInputs(node).map((name) => shapes.get(name))
    if (node.op === 'conv2d') return total + 2 * product(shapes.get(node.name)) * product(node.kernelSize) * (input.at(-1) / (node.groups ?? 1))
    return node.op === 'dense' ? total + 2 * input.at(-1) * product(shapes.get(node.name)) : total
  }, 0)
}

const isLinear = (node) => node?.op === 'conv2d' || node?.op === 'dense'

const withInputs = (node, names) => ('inputs' in node ? { ...node, inputs: names } : { ...node, input: names[0] })

const readers = ({ nodes }, name) => nodes.filter((node) => nodeInputs(node).includes(name)).length

/** y = gamma·(kernel·x + bias − mean)/√(variance + epsilon) + beta */
function foldNorm(node, { name, epsilon }, weights) {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part) => weights.get(`${name}/${part}`))
  const kernel = weights.get(`${node.name}/kernel`)
  const bias = weights.get(`${node.name}/bias`)
  const scales = Float64Array.from(gamma, (value, index) => value / Math.sqrt(variance[index] + epsilon))
  weights.set(`${node.name}/kernel`, kernel.map((value, index) => value * scales[index % scales.length]))
  weights.set(`${node.name}/bias`, Float32Array.from(beta, (value, index) => value + ((bias?.[index] ?? 0) - mean[index]) * scales[index]))
}
