// Where each value lies in its buffer. A buffer is an image in rows of pixels, channels last, with a border
// of zeros as wide as the widest padding among its readers, so that a convolution tests no edge. Several
// values can share one:
//
//   concat   its parts are written side by side into its own buffer   [a a a a|b b b b b b b b]
//   slice    a run of the channels of its input
//   reshape  the same memory, where there is neither border nor gap
//   view     every few rows and columns of a value
//   in place the result of an elementwise operation, where nobody reads its input afterwards
//
// Pixels take whole vectors of 4 channels (the rest is zeros), but for the network's own input where only
// convolutions read it: three channels then stay three.

import type { Layout } from '../kernels/network/kernel.js'
import { vectorChannels } from '../kernels/network/kernel.js'
import { inputsOf, type Border, type KernelOperation, type Operation, type Program, type View } from './operation.js'

/** A piece of the arena, of one size an image. */
export interface Buffer {
  readonly name: string
  readonly imageBytes: number
  /** Its pixels without the border; the address of the first is `originBytes` after its begin. */
  readonly inner: Layout
  readonly originBytes: number
  readonly border: Border
  /** What is read though nobody writes it, and must be zeros. */
  readonly cleared: 'nothing' | 'border' | 'all'
}

/** A value in its buffer. */
export interface Place {
  readonly buffer: Buffer
  /** From the buffer's begin to the value's first number. */
  readonly offsetBytes: number
  readonly layout: Layout
}

/** Values in their places, and the operations that still have something to do. */
export interface LayoutPlan {
  readonly places: ReadonlyMap<string, Place>
  readonly operations: readonly KernelOperation[]
}

const noBorder: Border = { top: 0, bottom: 0, left: 0, right: 0 }

/** Height, width and channels of a shape of any number of axes. */
export function imageOf(shape: readonly number[]): readonly [height: number, width: number, channels: number] {
  const channels = shape.at(-1)!
  if (shape.length === 3) return [shape[0]!, shape[1]!, channels]
  return [1, shape.slice(0, -1).reduce((product, size) => product * size, 1), channels]
}

export function layOut(program: Program): LayoutPlan {
  return new LayoutPlanner(program).run()
}

/** Whose buffer a value lies in, and from which channel on. */
interface Home {
  readonly root: string
  readonly channel: number
}

class LayoutPlanner {
  readonly #program: Program
  readonly #homes = new Map<string, Home>()
  readonly #borders = new Map<string, Border>()
  readonly #places = new Map<string, Place>()
  readonly #operations: KernelOperation[] = []
  /** Values that have a buffer to themselves, or share it with the same numbers in another shape. */
  readonly #whole = new Set<string>()
  /** Values that take another's place. */
  readonly #replaced = new Set<string>()

  constructor(program: Program) {
    this.#program = program
  }

  run(): LayoutPlan {
    const { operations, graph } = this.#program
    for (const operation of operations) if (operation.kind === 'concat') this.#house(operation.output, operation.inputs)
    for (const operation of operations) if (operation.kind === 'slice') this.#homes.set(operation.output, this.#sliceHome(operation.input, operation.begin))
    for (const operation of operations) this.#replaceInPlace(operation)
    for (const operation of operations) {
      if (operation.kind !== 'convolution') continue
      const { root } = this.#home(operation.input)
      this.#borders.set(root, widest(this.#borders.get(root) ?? noBorder, operation.padding))
    }
    this.#place(graph.input.name)
    for (const operation of operations) this.#arrange(operation)
    return { places: this.#places, operations: this.#operations }
  }

  /** Puts the parts of a concat into its buffer, those that can be. */
  #house(output: string, parts: readonly string[]): void {
    let channel = 0
    for (const [index, part] of parts.entries()) {
      const channels = this.#channels(part)
      const fits = channel % 4 === 0 && (channels % 4 === 0 || index === parts.length - 1)
      if (fits && this.#isOwn(part) && parts.indexOf(part) === index) this.#homes.set(part, { root: output, channel })
      channel += channels
    }
  }

  /**
   * Lets a result take the place of the value that is read at the same places just before it is written (the input
   * of an elementwise operation, the residual of a convolution), if nobody needs that afterwards and it has a buffer
   * to itself.
   */
  #replaceInPlace(operation: Operation): void {
    const { operations, graph, outputs, shapes, views } = this.#program
    const value = operation.kind === 'elementwise' ? operation.input : 'residual' in operation ? operation.residual : undefined
    if (value === undefined || value === graph.input.name || shapes.get(value)!.join() !== shapes.get(operation.output)!.join()) return
    const sharesMemory = (other: Operation): boolean => (other.kind === 'slice' || other.kind === 'reshape' || other.kind === 'concat') && [...inputsOf(other), other.output].includes(value)
    const isShared = operations.some(sharesMemory) || (this.#homes.has(value) && !this.#replaced.has(value)) || this.#homes.has(operation.output)
      || [...views.values()].some(({ of }) => of === value || of === operation.output)
    const readers = operations.filter((other) => inputsOf(other).includes(value))
    const isLast = readers.at(-1) === operation && inputsOf(operation).filter((name) => name === value).length === 1 && ![...outputs.values()].includes(value)
    if (isShared || !isLast) return
    this.#homes.set(operation.output, { root: value, channel: 0 })
    this.#replaced.add(operation.output)
  }

  /** Whether the value has a buffer of its own making, which can be moved into another. */
  #isOwn(value: string): boolean {
    const { operations, views } = this.#program
    const producer = operations.find(({ output }) => output === value || views.get(output)?.of === value)
    return producer !== undefined && producer.kind !== 'slice' && producer.kind !== 'reshape' && !this.#homes.has(value)
      && !operations.some((operation) => operation.kind === 'reshape' && operation.input === value)
  }

  #sliceHome(input: string, begin: number): Home {
    const { root, channel } = this.#home(input)
    return { root, channel: channel + begin }
  }

  /** A concat may itself be part of another. */
  #home(value: string): Home {
    const home = this.#homes.get(value)
    if (home === undefined) return { root: value, channel: 0 }
    const { root, channel } = this.#home(home.root)
    return { root, channel: channel + home.channel }
  }

  #channels(value: string): number {
    return this.#program.shapes.get(value)!.at(-1)!
  }

  /** Gives the value its place, and its buffer if it is the first in it. */
  #place(value: string): Place {
    const known = this.#places.get(value)
    if (known !== undefined) return known
    const view = this.#program.views.get(value)
    if (view !== undefined) {
      const part = viewed(this.#place(view.of), view)
      this.#places.set(value, part)
      return part
    }
    const { root, channel } = this.#home(value)
    const place = root === value ? this.#newPlace(value) : this.#within(this.#place(root), value, channel)
    this.#places.set(value, place)
    if (this.#whole.has(root) && this.#channels(root) === this.#channels(value)) this.#whole.add(value)
    return place
  }

  #within({ buffer, layout, offsetBytes }: Place, value: string, channel: number): Place {
    return { buffer, layout: { ...layout, channels: this.#channels(value) }, offsetBytes: offsetBytes + 4 * channel }
  }

  #newPlace(value: string): Place {
    const [height, width, channels] = imageOf(this.#program.shapes.get(value)!)
    const border = this.#borders.get(value) ?? noBorder
    const pixelBytes = 4 * (this.#isTight(value) ? channels : vectorChannels(channels))
    const rowBytes = (border.left + width + border.right) * pixelBytes
    const slack = 4 * vectorChannels(channels) - pixelBytes // for who reads the last pixel as a whole vector
    const bytes = (border.top + height + border.bottom) * rowBytes + slack
    const imageBytes = Math.ceil(bytes / 16) * 16
    const inner: Layout = { height, width, channels, pixelBytes, rowBytes, imageBytes }
    this.#whole.add(value)
    const originBytes = border.top * rowBytes + border.left * pixelBytes
    const hasBorder = Object.values(border).some((side) => side > 0)
    const { operations, views } = this.#program
    const hasParts = operations.some((operation) => operation.kind === 'concat' && operation.output === value) || [...views.values()].some((view) => view.of === value)
    const isUneven = hasParts && channels % 4 !== 0
    return { buffer: { name: value, imageBytes, inner, originBytes, border, cleared: isUneven ? 'all' : hasBorder ? 'border' : 'nothing' }, offsetBytes: originBytes, layout: inner }
  }

  /** The network's input, where convolutions alone read it. */
  #isTight(value: string): boolean {
    const { operations, graph, outputs } = this.#program
    if (value !== graph.input.name || [...outputs.values()].includes(value)) return false
    return operations.every((operation) => !inputsOf(operation).includes(value) || (operation.kind === 'convolution' && operation.groups === 1 && operation.residual !== value))
  }

  /** Keeps the operation, or makes of it what is left to do. */
  #arrange(operation: Operation): void {
    for (const input of inputsOf(operation)) this.#place(input)
    if (operation.kind === 'slice') this.#place(operation.output)
    else if (operation.kind === 'reshape' && this.#canShare(operation.input)) this.#places.set(operation.output, this.#reshaped(operation.input, operation.output))
    else if (operation.kind === 'concat') this.#arrangeConcat(operation)
    else if (operation.kind !== 'transposedConvolution') {
      this.#place(operation.output)
      this.#operations.push(operation)
    }
  }

  #arrangeConcat({ inputs, output }: Extract<Operation, { kind: 'concat' }>): void {
    this.#place(output)
    let begin = 0
    for (const [index, input] of inputs.entries()) {
      const home = this.#homes.get(input)
      const isThere = home?.root === output && home.channel === begin && inputs.indexOf(input) === index
      if (!isThere) {
        const part = `${output}[${begin}]`
        this.#places.set(part, { ...this.#within(this.#place(output), input, begin) })
        this.#operations.push({ kind: 'slice', input, output: part, begin: 0 }) // to be copied
      }
      begin += this.#channels(input)
    }
  }

  /** Whether the value lies without border or gap, and alone in its buffer. */
  #canShare(value: string): boolean {
    const { buffer, layout } = this.#place(value)
    const isWhole = layout.pixelBytes === 4 * layout.channels || (layout.height === 1 && layout.width === 1)
    return this.#whole.has(value) && isWhole && !Object.values(buffer.border).some((side) => side > 0)
  }

  #reshaped(input: string, output: string): Place {
    const { buffer, offsetBytes } = this.#place(input)
    this.#whole.add(output)
    const [height, width, channels] = imageOf(this.#program.shapes.get(output)!)
    const layout = { height, width, channels, pixelBytes: 4 * channels, rowBytes: 4 * channels * width, imageBytes: buffer.imageBytes }
    return { buffer, offsetBytes, layout }
  }
}

function viewed({ buffer, offsetBytes, layout }: Place, { begin: [row, column], strides }: View): Place {
  const { height, width, rowBytes, pixelBytes } = layout
  const [rows, columns] = [Math.ceil((height - row) / strides[0]), Math.ceil((width - column) / strides[1])]
  return { buffer, offsetBytes: offsetBytes + row * rowBytes + column * pixelBytes, layout: { ...layout, height: rows, width: columns, rowBytes: strides[0] * rowBytes, pixelBytes: strides[1] * pixelBytes } }
}

function widest(a: Border, b: Border): Border {
  return { top: Math.max(a.top, b.top), bottom: Math.max(a.bottom, b.bottom), left: Math.max(a.left, b.left), right: Math.max(a.right, b.right) }
}
