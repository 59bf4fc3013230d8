// Collects the nodes and weights of a graph while a file is read: gives names, knows every value's shape,
// and puts reshapes and transposes in only where a value does not lie as it is wanted.

import { nodeInputs, nodeShape, type Graph, type GraphNode, type Weights } from '@millrace/infer'
import { safeName } from './network-file.js'

export type NodeWeights = Readonly<Record<string, Float32Array>>

export class GraphBuilder {
  readonly input: Graph['input']
  readonly #nodes: GraphNode[] = []
  readonly #byName = new Map<string, GraphNode>()
  readonly #shapes = new Map<string, readonly number[]>()
  readonly #weights = new Map<string, Float32Array>()
  readonly #rearranged = new Map<string, string>()
  readonly #names = new Map<string, number>()
  readonly #renamed = new Map<string, string>()

  constructor(input: Graph['input']) {
    this.input = input
    this.#shapes.set(input.name, input.shape)
  }

  /**
   * Adds a node, whose name is made one of a kind.
   * @returns its name
   * @throws InferError INFER_GRAPH_INVALID if it does not fit its inputs
   */
  emit(wanted: GraphNode, weights: NodeWeights = {}): string {
    const name = this.#freshName(wanted.name)
    const node: GraphNode = { ...wanted, name }
    this.#shapes.set(name, nodeShape(node, nodeInputs(node).map((input) => this.shape(input))))
    this.#nodes.push(node)
    this.#byName.set(name, node)
    for (const [part, values] of Object.entries(weights)) this.#weights.set(`${name}/${part}`, values)
    return name
  }

  /** A value's shape without the batch. */
  shape(name: string): readonly number[] {
    return this.#shapes.get(name)!
  }

  node(name: string): GraphNode | undefined {
    return this.#byName.get(name)
  }

  weight(name: string): Float32Array {
    return this.#weights.get(name)!
  }

  /** The value in another shape; of a reshaped value, the one before. */
  reshape(name: string, shape: readonly number[]): string {
    const target = shape.length === 0 ? [1] : shape
    if (this.shape(name).join() === target.join()) return name
    const node = this.node(name)
    if (node?.op === 'reshape' || node?.op === 'flatten') return this.reshape(node.input, target)
    return this.#once(`${name} as ${target.join()}`, () =>
      this.emit(target.length === 1 ? { op: 'flatten', name: `${name}/flat`, input: name } : { op: 'reshape', name: `${name}/shaped`, input: name, shape: target }))
  }

  transpose(name: string, axes: readonly number[]): string {
    if (axes.every((axis, index) => axis === index)) return name
    return this.#once(`${name} by ${axes.join()}`, () => this.emit({ op: 'transpose', name: `${name}/turned`, input: name, axes }))
  }

  /** The node's name from the end on, if no other has it; until then it is called as before. */
  rename(node: string, wanted: string): void {
    const name = safeName(wanted)
    if (name !== '' && !this.#shapes.has(name) && this.#byName.has(node) && ![...this.#renamed.values()].includes(name)) this.#renamed.set(node, name)
  }

  /** What a node is called in the end. */
  finalName(node: string): string {
    return this.#renamed.get(node) ?? node
  }

  /** The nodes that the outputs need, and their weights, by their final names. */
  finish(outputs: readonly string[]): { nodes: GraphNode[]; weights: Weights } {
    const needed = new Set(outputs)
    const nodes = this.#nodes.toReversed().filter((node) => {
      if (!needed.has(node.name)) return false
      for (const input of nodeInputs(node)) needed.add(input)
      return true
    }).reverse()
    const names = new Set(nodes.map(({ name }) => name))
    const weights = [...this.#weights].flatMap(([weight, values]) => {
      const end = weight.lastIndexOf('/')
      const node = weight.slice(0, end)
      return names.has(node) ? [[this.finalName(node) + weight.slice(end), values] as const] : []
    })
    return { nodes: nodes.map((node) => this.#finalNode(node)), weights: new Map(weights) }
  }

  #finalNode(node: GraphNode): GraphNode {
    const name = this.finalName(node.name)
    return 'inputs' in node ? { ...node, name, inputs: node.inputs.map((input) => this.finalName(input)) } : { ...node, name, input: this.finalName(node.input) }
  }

  #once(key: string, make: () => string): string {
    const name = this.#rearranged.get(key) ?? make()
    this.#rearranged.set(key, name)
    return name
  }

  #freshName(wanted: string): string {
    const base = safeName(wanted) || 'node'
    let name = base
    while (this.#shapes.has(name)) {
      const count = (this.#names.get(base) ?? 1) + 1
      this.#names.set(base, count)
      name = `${base}_${count}`
    }
    return name
  }
}
