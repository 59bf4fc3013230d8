// One operator of a file while it is read: its inputs by place, its attributes by name and type. What nobody
// asked for is an error in the end, because passing over it could mean computing something else.

import type { TensorValue } from '../layout.js'
import { axisSizes } from '../layout.js'
import { shown, type Fail } from '../network-file.js'
import { attributeType, toNumber, type AttributeMessage, type NodeMessage, type TensorMessage } from './messages.js'
import type { Constant } from './tensors.js'

export type Value = TensorValue | Constant

export class OnnxNode {
  readonly op: string
  /** How our nodes made of it are called. */
  readonly name: string
  readonly outputs: readonly string[]
  readonly inputNames: readonly string[]
  readonly opset: number
  readonly #attributes: Map<string, AttributeMessage>
  readonly #inputs: readonly (Value | undefined)[]
  readonly #fail: Fail
  readonly #place: string

  constructor(message: NodeMessage, index: number, opset: number, valueOf: (name: string) => Value | undefined, fail: Fail) {
    this.op = message.opType
    this.name = message.name || message.output[0] || `${message.opType}_${index}`
    this.outputs = message.output
    this.inputNames = message.input
    this.opset = opset
    this.#attributes = new Map(message.attribute.map((attribute) => [attribute.name, attribute]))
    this.#fail = fail
    this.#place = `node ${shown(this.name)} (${shown(this.op).slice(1, -1)})`
    this.#inputs = message.input.map((name) => {
      if (name === '') return undefined
      return valueOf(name) ?? this.damaged(`its input ${shown(name)} is not made before it`)
    })
  }

  /** Ends the import: this node is more than Millrace's graph can say. */
  unsupported(problem: string): never {
    return this.#fail('TRAIN_NETWORK_UNSUPPORTED', `${this.#place}: ${problem}`)
  }

  /** Ends the import: the file does not hold together. */
  damaged(problem: string, cause?: unknown): never {
    return this.#fail('TRAIN_NETWORK_FILE', `${this.#place}: ${problem}`, cause)
  }

  get inputCount(): number {
    return this.#inputs.length
  }

  input(place: number): Value {
    return this.#inputs[place] ?? this.damaged(`it has no input ${place}`)
  }

  optionalInput(place: number): Value | undefined {
    return this.#inputs[place]
  }

  /** An input that the network computes. */
  tensor(place: number): TensorValue {
    const value = this.input(place)
    return value.kind === 'tensor' ? value : this.unsupported(`its input ${place} is a constant, expected a value that the network computes`)
  }

  /** The same with height and width: axes channels, height, width. */
  image(place: number): TensorValue {
    const value = this.tensor(place)
    return value.axes.length === 3 ? value : this.unsupported(`expected an image [batch, channels, height, width], found a value of ${value.axes.length + 1} axes`)
  }

  /** An input that does not depend on the image. */
  constant(place: number): Constant {
    const value = this.input(place)
    return value.kind === 'constant' ? value : this.unsupported(`its input ${place} (${shown(this.inputNames[place])}) is computed from the image, expected a constant`)
  }

  optionalConstant(place: number): Constant | undefined {
    return this.#inputs[place] === undefined ? undefined : this.constant(place)
  }

  /** Float32 weights of a size. */
  weights(place: number, count: number): Float32Array {
    const { data } = this.constant(place)
    if (data.length !== count) this.damaged(`expected its input ${place} to have ${count} values, found ${data.length}`)
    return data instanceof Float32Array ? data : Float32Array.from(data)
  }

  /** Whole numbers, as sizes and axes are stated. */
  numbers(constant: Constant): number[] {
    if (constant.data.length > 64) this.damaged(`expected a few numbers, found ${constant.data.length}`)
    return [...constant.data]
  }

  float(name: string, fallback: number): number {
    return this.#take(name, attributeType.float)?.f ?? fallback
  }

  int(name: string, fallback: number): number {
    const attribute = this.#take(name, attributeType.int)
    return attribute === undefined ? fallback : toNumber(attribute.i)
  }

  ints(name: string): number[] | undefined {
    return this.#take(name, attributeType.ints)?.ints.map(toNumber)
  }

  floats(name: string): readonly number[] | undefined {
    return this.#take(name, attributeType.floats)?.floats
  }

  text(name: string, fallback: string): string {
    const attribute = this.#take(name, attributeType.string)
    return attribute === undefined ? fallback : new TextDecoder().decode(attribute.s)
  }

  tensorAttribute(name: string): TensorMessage | undefined {
    return this.#take(name, attributeType.tensor)?.t ?? undefined
  }

  /** An attribute that only one value of is known. */
  require(name: string, value: number): void {
    const found = this.int(name, value)
    if (found !== value) this.unsupported(`expected ${name} ${value}, found ${found}`)
  }

  requireText(name: string, values: readonly string[]): string {
    const found = this.text(name, values[0]!)
    return values.includes(found) ? found : this.unsupported(`expected ${name} ${values.join(' or ')}, found ${shown(found)}`)
  }

  /** An attribute of no meaning here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#attributes.delete(name)
  }

  /** Refuses the attributes that were not asked for. */
  end(): void {
    for (const name of this.#attributes.keys()) this.unsupported(`has an attribute ${shown(name)}, which is not known here`)
  }

  /** The place of an axis among those without the batch. */
  axis(axis: number, rank: number): number {
    const place = axis < 0 ? axis + rank + 1 : axis
    if (!(Number.isInteger(place) && place >= 0 && place <= rank)) this.damaged(`its axis ${axis} is none of ${rank + 1}`)
    if (place === 0) this.unsupported('works across the images of a batch')
    return place - 1
  }

  /** The shape of a value with the batch, for messages. */
  show(value: Value): string {
    return value.kind === 'constant' ? `[${value.shape.join(', ')}]` : `[batch${axisSizes(value).map((size) => `, ${size}`).join('')}]`
  }

  #take(name: string, type: number): AttributeMessage | undefined {
    const attribute = this.#attributes.get(name)
    this.#attributes.delete(name)
    if (attribute !== undefined && attribute.type !== 0 && attribute.type !== type) this.damaged(`its attribute ${shown(name)} has type ${attribute.type}, expected ${type}`)
    return attribute
  }
}
