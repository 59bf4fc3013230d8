// How a value of a file lies in our graph. The file's axes (the batch left out) are in its order, such as
// channels, height, width; ours has the channels last, and a transpose costs time. So a value is a node of our
// graph and two readings of it, both made of atoms, which are runs of one or more places of the value:
//
//   axes    for each axis of the file the atoms that it is made of, first the slowest
//   order   all atoms as they lie in our node's value
//
//   image             axes [C] [H] [W]      order H W C     a transpose of the file changes axes only
//   flattened         axes [C H W]          order H W C     … and so does a reshape, which merges or splits atoms
//   channel shuffle   axes [K G] [H] [W]    order H W G K
//
// Only who needs a certain order (`inOrder`) moves values. An axis of one place has no atom.

import type { GraphBuilder } from './graph-builder.js'

export interface Atom {
  readonly size: number
}

export interface TensorValue {
  readonly kind: 'tensor'
  /** The node, or the input, of our graph. */
  readonly node: string
  readonly axes: readonly (readonly Atom[])[]
  readonly order: readonly Atom[]
}

/** The size of each of the file's axes, without the batch. */
export function axisSizes({ axes }: TensorValue): number[] {
  return axes.map((atoms) => atoms.reduce((product, { size }) => product * size, 1))
}

/** A node whose value lies by whole axes: `axisOrder` names the file's axes in our order, `sizes` has the file's order. */
export function tensorValue(node: string, sizes: readonly number[], axisOrder: readonly number[]): TensorValue {
  const axes = sizes.map((size) => (size === 1 ? [] : [{ size }]))
  return { kind: 'tensor', node, axes, order: axisOrder.flatMap((axis) => axes[axis]!) }
}

/** The order of axes that suits our graph for a file with the channels first: images get theirs last. */
export function channelsLast(rank: number): number[] {
  return rank === 3 ? [1, 2, 0] : Array.from({ length: rank }, (_, axis) => axis)
}

/** The node of the value's places in the order of these axes, one axis each. */
export function inOrder(builder: GraphBuilder, value: TensorValue, axisOrder: readonly number[]): string {
  const wanted = axisOrder.flatMap((axis) => value.axes[axis]!)
  const sizes = axisSizes(value)
  return builder.reshape(rearranged(builder, value, wanted), axisOrder.map((axis) => sizes[axis]!))
}

/** A value whose axes are each one run of places, in an order that keeps it where it lies if that is possible. */
export function presentOrder(value: TensorValue): number[] | undefined {
  const left = value.axes.map((_, axis) => axis)
  const order: number[] = []
  let at = 0
  while (at < value.order.length) {
    const axis = left.find((candidate) => value.axes[candidate]![0] === value.order[at])
    if (axis === undefined || !value.axes[axis]!.every((atom, index) => value.order[at + index] === atom)) return undefined
    order.push(axis)
    at += value.axes[axis]!.length
  }
  const single = left.filter((axis) => !order.includes(axis)) // of one place: anywhere
  return [...single, ...order]
}

/** The value with axes of other sizes, as if its places lay in the file's order. */
export function reshaped(builder: GraphBuilder, value: TensorValue, sizes: readonly number[]): TensorValue {
  const split = splitAtoms(value, sizes)
  if (split !== undefined) return split
  const all = value.axes.map((_, axis) => axis)
  const total = axisSizes(value).reduce((product, size) => product * size, 1)
  const node = builder.reshape(inOrder(builder, value, all), [total])
  return splitAtoms(tensorValue(node, [total], [0]), sizes)!
}

function splitAtoms(value: TensorValue, sizes: readonly number[]): TensorValue | undefined {
  const waiting = value.axes.flat()
  let order: Atom[] = [...value.order]
  const axes: Atom[][] = []
  for (const size of sizes) {
    const atoms: Atom[] = []
    let missing = size
    while (missing > 1) {
      const atom = waiting.shift()
      if (atom === undefined) return undefined
      if (missing % atom.size === 0) {
        atoms.push(atom)
        missing /= atom.size
        continue
      }
      if (atom.size % missing !== 0) return undefined
      const [first, rest] = [{ size: missing }, { size: atom.size / missing }]
      order = order.flatMap((other) => (other === atom ? [first, rest] : [other]))
      atoms.push(first)
      waiting.unshift(rest)
      missing = 1
    }
    axes.push(atoms)
  }
  return { ...value, axes, order }
}

/**
 * For a value of one axis that is read by a product: its node as it lies, and for each place there its
 * number in the file's order; undefined where that is the same.
 */
export function asVector(builder: GraphBuilder, value: TensorValue): { node: string; places: Int32Array | undefined } {
  const atoms = value.axes.flat()
  const total = atoms.reduce((product, { size }) => product * size, 1)
  const node = builder.reshape(value.node, [total])
  if (atoms.every((atom, index) => atom === value.order[index])) return { node, places: undefined }
  const strideOf = new Map(atoms.map((atom, index) => [atom, atoms.slice(index + 1).reduce((product, { size }) => product * size, 1)]))
  const places = new Int32Array(total)
  for (let place = 0; place < total; place++) {
    let rest = place
    for (const atom of value.order.toReversed()) {
      places[place]! += (rest % atom.size) * strideOf.get(atom)!
      rest = Math.floor(rest / atom.size)
    }
  }
  return { node, places }
}

/** Moves the atoms; those that stay beside each other move as one. */
function rearranged(builder: GraphBuilder, value: TensorValue, wanted: readonly Atom[]): string {
  if (wanted.every((atom, index) => atom === value.order[index])) return value.node
  const runs: Atom[][] = []
  for (const [index, atom] of value.order.entries()) {
    const isNext = index > 0 && wanted[wanted.indexOf(value.order[index - 1]!) + 1] === atom
    if (isNext) runs.at(-1)!.push(atom)
    else runs.push([atom])
  }
  const axes = runs.map((_, index) => index).sort((a, b) => wanted.indexOf(runs[a]![0]!) - wanted.indexOf(runs[b]![0]!))
  return builder.transpose(builder.reshape(value.node, runs.map((atoms) => atoms.reduce((product, { size }) => product * size, 1))), axes)
}
