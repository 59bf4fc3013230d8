// Activations that a file spells out in several operators, as one of ours:
//
//   x · sigmoid(x)                      swish
//   clip(x + 3, 0, 6) / 6               hard sigmoid of slope 1/6
//   x · hardSigmoid(x)                  hard swish
//   x · clip(x + 3, 0, 6) / 6           hard swish
//   x · (1 + erf(x / √2)) / 2           GELU, in any order of the factors (see findGelu)
//
// The nodes that they replace are left for nobody to read, and dropped.

import type { GraphBuilder } from '../../graph-builder.js'
import type { NodeMessage } from '../messages.js'

/** The node of a·b where it is a known activation. */
export function productOf(builder: GraphBuilder, name: string, a: string, b: string): string | undefined {
  for (const [x, gate] of [[a, b], [b, a]] as const) {
    const node = builder.node(gate)
    if (node?.op === 'sigmoid' && node.input === x) return builder.emit({ op: 'swish', name, input: x })
    if (node?.op === 'hardSigmoid' && node.input === x && isSixth(node.alpha) && node.beta === 0.5) return builder.emit({ op: 'hardSwish', name, input: x })
  }
  return undefined
}

/** The node of value · factor where that is a hard sigmoid or hard swish. */
export function hardSigmoidOf(builder: GraphBuilder, name: string, value: string, factor: number): string | undefined {
  if (!isSixth(factor)) return undefined
  const x = shiftedAndClipped(builder, value)
  if (x !== undefined) return builder.emit({ op: 'hardSigmoid', name, input: x, alpha: 1 / 6, beta: 0.5 })
  const node = builder.node(value)
  if (node?.op !== 'multiply') return undefined
  const [a, b] = node.inputs as [string, string]
  const input = shiftedAndClipped(builder, b) === a ? a : shiftedAndClipped(builder, a) === b ? b : undefined
  return input && builder.emit({ op: 'hardSwish', name, input })
}

const isSixth = (value: number): boolean => Math.abs(value - 1 / 6) < 1e-6

/** x of clip(x + 3, 0, 6). */
function shiftedAndClipped(builder: GraphBuilder, name: string): string | undefined {
  const node = builder.node(name)
  if (node?.op !== 'clip' || node.min !== 0 || node.max !== 6) return undefined
  const sum = builder.node(node.input)
  if (sum?.op !== 'batchNorm' || sum.epsilon !== 0) return undefined
  const has = (part: string, value: number): boolean => builder.weight(`${sum.name}/${part}`).every((other) => other === value)
  return has('gamma', 1) && has('beta', 3) && has('mean', 0) && has('variance', 1) ? sum.input : undefined
}

/**
 * The nodes with each product that makes a GELU replaced by one of the operator Gelu; erf's own nodes stay,
 * unread. `numberOf` gives a constant of one number.
 */
export function findGelu(nodes: readonly NodeMessage[], numberOf: (name: string) => number | undefined): readonly NodeMessage[] {
  if (!nodes.some(({ opType }) => opType === 'Erf')) return nodes
  const makers = new Map(nodes.flatMap((node) => node.output.map((output) => [output, node] as const)))
  const readers = new Map<string, NodeMessage[]>()
  for (const node of nodes) for (const input of node.input) readers.set(input, [...(readers.get(input) ?? []), node])
  const replaced = new Map<NodeMessage, NodeMessage>()
  for (const erf of nodes.filter(({ opType }) => opType === 'Erf')) {
    const scaled = makers.get(erf.input[0]!)
    const x = scaled && rootOf(scaled, numberOf)
    const sum = onlyReader(readers, erf.output[0]!)
    if (x === undefined || sum?.opType !== 'Add' || !sum.input.some((name) => numberOf(name) === 1)) continue
    for (let last = onlyReader(readers, sum.output[0]!); last?.opType === 'Mul' || last?.opType === 'Div'; last = onlyReader(readers, last.output[0]!)) {
      const factors = factorsOf(last.output[0]!, sum.output[0]!, x, makers, numberOf)
      if (factors === undefined || !isNear(factors.number, 0.5) || factors.x !== 1 || factors.sum !== 1) continue
      replaced.set(last, { ...last, opType: 'Gelu', domain: '', input: [x], attribute: [] })
      break
    }
  }
  return nodes.map((node) => replaced.get(node) ?? node)
}

const isNear = (a: number, b: number): boolean => Math.abs(a - b) < 1e-5

/** x of x / √2. */
function rootOf(node: NodeMessage, numberOf: (name: string) => number | undefined): string | undefined {
  const [left, right] = node.input as [string, string]
  const number = numberOf(right) ?? (node.opType === 'Mul' ? numberOf(left) : undefined)
  const expected = node.opType === 'Div' ? Math.SQRT2 : node.opType === 'Mul' ? Math.SQRT1_2 : NaN
  return number !== undefined && isNear(number, expected) ? (numberOf(right) === undefined ? right : left) : undefined
}

function onlyReader(readers: ReadonlyMap<string, readonly NodeMessage[]>, name: string): NodeMessage | undefined {
  const all = readers.get(name) ?? []
  return all.length === 1 ? all[0] : undefined
}

interface Factors {
  readonly number: number
  readonly x: number
  readonly sum: number
}

/** How often x and the sum, and which number, make up a product; undefined if anything else does. */
function factorsOf(name: string, sum: string, x: string, makers: ReadonlyMap<string, NodeMessage>, numberOf: (name: string) => number | undefined, depth = 0): Factors | undefined {
  if (name === sum) return { number: 1, x: 0, sum: 1 }
  if (name === x) return { number: 1, x: 1, sum: 0 }
  const number = numberOf(name)
  if (number !== undefined) return { number, x: 0, sum: 0 }
  const node = makers.get(name)
  if (depth > 4 || (node?.opType !== 'Mul' && node?.opType !== 'Div')) return undefined
  const [left, right] = node.input.map((input) => factorsOf(input, sum, x, makers, numberOf, depth + 1))
  if (left === undefined || right === undefined) return undefined
  if (node.opType === 'Mul') return { number: left.number * right.number, x: left.x + right.x, sum: left.sum + right.sum }
  return right.x + right.sum === 0 ? { ...left, number: left.number / right.number } : undefined
}
