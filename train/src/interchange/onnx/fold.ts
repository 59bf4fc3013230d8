// Operators on numbers that do not depend on the image: the shapes that torch writes its flattening and channel
// shuffles with, and weights that are computed. Each is done while the file is read.

import { maxFoldedValues } from '../limits.js'
import type { OnnxNode } from './node.js'
import type { Constant } from './tensors.js'

type Operation = (node: OnnxNode, inputs: readonly Constant[]) => Constant | Constant[]

/** An operator whose inputs are all constants; undefined if it is not known. */
export const constantOperations: Readonly<Record<string, Operation>> = {
  Shape: (node, [x]) => integers(sliceOf(x!.shape, node.int('start', 0), node.int('end', x!.shape.length))),
  Size: (_, [x]) => scalar(x!.data.length, true),
  Identity: (_, [x]) => x!,
  Dropout: (node, [x]) => (node.ignore('ratio', 'seed', 'is_test'), x!),
  Cast: (node, [x]) => cast(x!, node.int('to', 1)),
  Add: (node, inputs) => binary(node, inputs, (a, b) => a + b),
  Sub: (node, inputs) => binary(node, inputs, (a, b) => a - b),
  Mul: (node, inputs) => binary(node, inputs, (a, b) => a * b),
  Div: (node, inputs) => binary(node, inputs, inputs[0]?.integer ? (a, b) => Math.trunc(a / b) : (a, b) => a / b),
  Pow: (node, inputs) => binary(node, inputs, (a, b) => a ** b),
  Mod: (node, inputs) => (node.ignore('fmod'), binary(node, inputs, (a, b) => a % b)),
  Equal: (node, inputs) => ({ ...binary(node, inputs, (a, b) => Number(a === b)), integer: true }),
  Min: (node, inputs) => inputs.reduce((a, b) => binary(node, [a, b], Math.min)),
  Max: (node, inputs) => inputs.reduce((a, b) => binary(node, [a, b], Math.max)),
  Neg: (_, [x]) => each(x!, (value) => -value),
  Abs: (_, [x]) => each(x!, Math.abs),
  Sqrt: (_, [x]) => each(x!, Math.sqrt),
  Reciprocal: (_, [x]) => each(x!, (value) => 1 / value),
  Exp: (_, [x]) => each(x!, Math.exp),
  Floor: (_, [x]) => each(x!, Math.floor),
  Ceil: (_, [x]) => each(x!, Math.ceil),
  Where: (node, [condition, yes, no]) => binary(node, [binary(node, [condition!, yes!], (a, b) => (a === 0 ? NaN : b)), no!], (a, b) => (Number.isNaN(a) ? b : a)),
  ReduceProd: (node, [x]) => (node.ignore('axes'), reduceAll(node, x!, (a, b) => a * b, 1)),
  ReduceSum: (node, [x]) => (node.ignore('axes'), reduceAll(node, x!, (a, b) => a + b, 0)),
  Range: (node, [start, limit, delta]) => {
    const [from, to, step] = [start!.data[0]!, limit!.data[0]!, delta!.data[0]!]
    const count = Math.max(0, Math.ceil((to - from) / step))
    if (!(count <= maxFoldedValues)) node.damaged(`expected at most ${maxFoldedValues} numbers, found ${count}`)
    return make([count], start!.integer, (index) => from + index * step)
  },
  ConstantOfShape: (_, [shape]) => make([...shape!.data], false, () => 0), // the value is set by the importer
  Concat: (node, inputs) => concat(node, inputs, node.int('axis', 0)),
  Gather: (node, [x, at]) => gather(node, x!, at!, node.int('axis', 0)),
  Slice: (node, inputs) => slice(node, inputs),
  Unsqueeze: (node, [x, axes]) => {
    const places = axes ? [...axes.data] : (node.ints('axes') ?? [])
    const rank = x!.shape.length + places.length
    const shape = [...x!.shape]
    for (const place of places.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)) shape.splice(place, 0, 1)
    return { ...x!, shape }
  },
  Squeeze: (node, [x, axes]) => {
    const places = (axes ? [...axes.data] : node.ints('axes'))?.map((axis) => (axis < 0 ? axis + x!.shape.length : axis))
    return { ...x!, shape: x!.shape.filter((size, axis) => (places ? !places.includes(axis) : size !== 1)) }
  },
  Flatten: (node, [x]) => {
    const axis = node.int('axis', 1)
    const split = axis < 0 ? axis + x!.shape.length : axis
    return { ...x!, shape: [product(x!.shape.slice(0, split)), product(x!.shape.slice(split))] }
  },
  Reshape: (node, [x, shape]) => {
    node.require('allowzero', 0)
    const wanted = shape ? [...shape.data] : (node.ints('shape') ?? [])
    return { ...x!, shape: completeShape(node, wanted, x!.shape) }
  },
  Transpose: (node, [x]) => transpose(x!, node.ints('perm') ?? x!.shape.map((_, axis) => x!.shape.length - 1 - axis)),
  Expand: (node, [x, shape]) => binary(node, [x!, make([...shape!.data], x!.integer, () => 0)], (a) => a),
  DequantizeLinear: (node, [x, scale, zero]) => dequantize(node, x!, scale!, zero),
}

/** A wanted shape with 0 (as it was) and −1 (what is left) filled in. */
export function completeShape(node: OnnxNode, wanted: readonly number[], from: readonly number[]): number[] {
  const copied = wanted.map((size, axis) => (size === 0 ? (from[axis] ?? node.damaged('its shape copies an axis that is not there')) : size))
  const known = copied.filter((size) => size !== -1).reduce((total, size) => total * size, 1)
  const shape = copied.map((size) => (size === -1 ? product(from) / known : size))
  const fits = shape.every((size) => Number.isSafeInteger(size) && size > 0) && product(shape) === product(from) && wanted.filter((size) => size === -1).length <= 1
  return fits ? shape : node.damaged(`expected a shape of the ${product(from)} values of [${from.join(', ')}], found [${wanted.slice(0, 10).join(', ')}]`)
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1)
}

export function integers(values: readonly number[]): Constant {
  return { kind: 'constant', shape: [values.length], data: Float64Array.from(values), integer: true }
}

export function scalar(value: number, integer: boolean): Constant {
  return { kind: 'constant', shape: [], data: integer ? Float64Array.of(value) : Float32Array.of(value), integer }
}

/** A constant from the value at each place; too large a one cannot be made. */
export function make(shape: readonly number[], integer: boolean, value: (index: number) => number): Constant {
  const count = product(shape)
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !(count <= maxFoldedValues)) throw new RangeError(`a constant of [${shape.slice(0, 8).join(', ')}] is too large`)
  const data = integer ? new Float64Array(count) : new Float32Array(count)
  for (let index = 0; index < count; index++) data[index] = value(index)
  return { kind: 'constant', shape, data, integer }
}

export function transpose(x: Constant, axes: readonly number[]): Constant {
  if (axes.length !== x.shape.length || !x.shape.every((_, axis) => axes.includes(axis))) throw new RangeError(`axes [${axes.slice(0, 8).join(', ')}] do not fit [${x.shape.join(', ')}]`)
  const strides = stridesOf(x.shape)
  const shape = axes.map((axis) => x.shape[axis]!)
  const data = x.integer ? new Float64Array(x.data.length) : new Float32Array(x.data.length)
  const turned = axes.map((axis) => strides[axis]!)
  const place = shape.map(() => 0)
  for (let index = 0, from = 0; index < data.length; index++) {
    data[index] = x.data[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += turned[axis]!
      if (++place[axis]! < shape[axis]!) break
      from -= turned[axis]! * shape[axis]!
      place[axis] = 0
    }
  }
  return { ...x, shape, data }
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => product(shape.slice(axis + 1)))
}

function each(x: Constant, change: (value: number) => number): Constant {
  return { ...x, data: x.data.map(change) }
}

function cast(x: Constant, to: number): Constant {
  const isFloat = to === 1 || to === 10 || to === 11 || to === 16
  if (isFloat) return { ...x, data: Float32Array.from(x.data), integer: false }
  return { ...x, data: Float64Array.from(x.data, to === 9 ? (value) => Number(value !== 0) : Math.trunc), integer: true }
}

function sliceOf(shape: readonly number[], start: number, end: number): readonly number[] {
  return shape.slice(start, end)
}

function binary(node: OnnxNode, [a, b]: readonly Constant[], combine: (a: number, b: number) => number): Constant {
  const rank = Math.max(a!.shape.length, b!.shape.length)
  const [left, right] = [a!, b!].map((x) => [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape]) as [number[], number[]]
  const shape = left.map((size, axis) => (size === 1 ? right[axis]! : size))
  if (!right.every((size, axis) => size === shape[axis] || size === 1)) node.damaged(`its inputs [${a!.shape.join(', ')}] and [${b!.shape.join(', ')}] do not fit each other`)
  const place = (from: readonly number[]) => {
    const strides = stridesOf(from)
    const steps = stridesOf(shape)
    return (index: number): number => from.reduce((at, size, axis) => at + (size === 1 ? 0 : (Math.floor(index / steps[axis]!) % shape[axis]!) * strides[axis]!), 0)
  }
  const [atLeft, atRight] = [place(left), place(right)]
  return make(shape, a!.integer && b!.integer, (index) => combine(a!.data[atLeft(index)]!, b!.data[atRight(index)]!))
}

function reduceAll(node: OnnxNode, x: Constant, combine: (a: number, b: number) => number, start: number): Constant {
  if (x.shape.length > 1) node.unsupported('of a constant with several axes is not known here')
  const value = Array.from(x.data).reduce(combine, start)
  return { ...scalar(value, x.integer), shape: node.int('keepdims', 1) === 1 ? [1] : [] }
}

function concat(node: OnnxNode, inputs: readonly Constant[], axis: number): Constant {
  const [first] = inputs as [Constant]
  const at = axis < 0 ? axis + first.shape.length : axis
  const fits = inputs.every(({ shape }) => shape.length === first.shape.length && shape.every((size, other) => other === at || size === first.shape[other]))
  if (!(at >= 0 && at < first.shape.length) || !fits) node.damaged('its inputs do not fit each other')
  const runs = inputs.map(({ shape }) => product(shape.slice(at)))
  const length = runs.reduce((sum, run) => sum + run, 0)
  const starts = runs.map((_, index) => runs.slice(0, index).reduce((sum, run) => sum + run, 0))
  const shape = first.shape.map((size, other) => (other === at ? inputs.reduce((sum, input) => sum + input.shape[at]!, 0) : size))
  return make(shape, first.integer, (index) => {
    const place = index % length
    const source = starts.findLastIndex((start, input) => place >= start && runs[input]! > 0)
    return inputs[source]!.data[Math.floor(index / length) * runs[source]! + place - starts[source]!]!
  })
}

function gather(node: OnnxNode, x: Constant, at: Constant, axis: number): Constant {
  const place = axis < 0 ? axis + x.shape.length : axis
  const size = x.shape[place] ?? node.damaged(`its axis ${axis} is not there`)
  const run = product(x.shape.slice(place + 1))
  const count = at.data.length
  const chosen = Array.from(at.data, (index) => (index < 0 ? index + size : index))
  if (!chosen.every((index) => index >= 0 && index < size)) node.damaged(`takes place ${at.data[0]} of an axis of ${size}`)
  return make([...x.shape.slice(0, place), ...at.shape, ...x.shape.slice(place + 1)], x.integer, (index) => x.data[(Math.floor(index / run / count) * size + chosen[Math.floor(index / run) % count]!) * run + (index % run)]!)
}

/** [begin, end) of each axis, from a Slice's attributes (to opset 9) or inputs. */
export function sliceRanges(node: OnnxNode, shape: readonly number[], constant: (place: number) => Constant | undefined): { axis: number; begin: number; step: number; size: number }[] {
  const isInput = node.opset >= 10
  const starts = isInput ? node.numbers(constant(1) ?? node.damaged('has no starts')) : (node.ints('starts') ?? [])
  const ends = isInput ? node.numbers(constant(2) ?? node.damaged('has no ends')) : (node.ints('ends') ?? [])
  const axesConstant = isInput ? constant(3) : undefined
  const axes = (isInput ? axesConstant && node.numbers(axesConstant) : node.ints('axes')) ?? starts.map((_, axis) => axis)
  const stepsConstant = isInput ? constant(4) : undefined
  const steps = stepsConstant ? node.numbers(stepsConstant) : starts.map(() => 1)
  return starts.map((start, index) => {
    const axis = axes[index]! < 0 ? axes[index]! + shape.length : axes[index]!
    const length = shape[axis] ?? node.damaged(`its axis ${axes[index]} is not there`)
    const step = steps[index] ?? 1
    if (step === 0) node.damaged('has a step of 0')
    const limit = (place: number, low: number, high: number): number => Math.min(Math.max(place < 0 ? place + length : place, low), high)
    const begin = step > 0 ? limit(start, 0, length) : limit(start, 0, length - 1)
    const end = step > 0 ? limit(ends[index]!, 0, length) : limit(ends[index]!, -1, length - 1)
    return { axis, begin, step, size: Math.max(0, Math.ceil((end - begin) / step)) }
  })
}

function slice(node: OnnxNode, inputs: readonly Constant[]): Constant {
  return sliceRanges(node, inputs[0]!.shape, (place) => inputs[place]).reduce((x, { axis, begin, step, size }) => {
    const run = product(x.shape.slice(axis + 1))
    const length = x.shape[axis]!
    return make(x.shape.map((old, other) => (other === axis ? size : old)), x.integer, (index) => x.data[(Math.floor(index / run / size) * length + begin + step * (Math.floor(index / run) % size)) * run + (index % run)]!)
  }, inputs[0]!)
}

function dequantize(node: OnnxNode, x: Constant, scale: Constant, zero: Constant | undefined): Constant {
  const axis = node.int('axis', 1)
  const place = axis < 0 ? axis + x.shape.length : axis
  const run = scale.data.length === 1 ? Infinity : product(x.shape.slice(place + 1))
  if (scale.data.length !== 1 && scale.data.length !== x.shape[place]) node.unsupported(`expected one scale, or one for each of axis ${axis}`)
  const channel = (index: number): number => (run === Infinity ? 0 : Math.floor(index / run) % scale.data.length)
  return make(x.shape, false, (index) => (x.data[index]! - (zero?.data[channel(index)] ?? 0)) * scale.data[channel(index)]!)
}
