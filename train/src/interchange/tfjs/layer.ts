// One layer of a Keras model while it is read: its place, its inputs, its settings by name and type, its weights.

import { shown, type Fail } from '../network-file.js'
import type { TfjsWeight } from './weights.js'

export type Json = Readonly<Record<string, unknown>>

export class Layer {
  readonly kind: string
  readonly name: string
  /** Layers whose values it reads. */
  readonly inputs: readonly string[]
  readonly #config: Json
  readonly #weights: ReadonlyMap<string, TfjsWeight>
  readonly #fail: Fail
  readonly #source: Json

  constructor(source: Json, weights: ReadonlyMap<string, TfjsWeight>, fail: Fail, inputs?: readonly string[]) {
    this.#source = source
    this.#weights = weights
    this.#fail = fail
    this.#config = typeof source['config'] === 'object' && source['config'] !== null ? (source['config'] as Json) : {}
    this.kind = String(source['class_name'])
    const name = source['name'] ?? this.#config['name']
    this.name = typeof name === 'string' ? name : fail('TRAIN_NETWORK_FILE', `expected every layer to have a name, found a ${shown(this.kind)} without`)
    this.inputs = inputs ?? this.#inboundNames()
  }

  /** The same layer, reading another: in a Sequential model. */
  after(name: string): Layer {
    return new Layer(this.#source, this.#weights, this.#fail, [name])
  }

  unsupported(problem: string): never {
    return this.#fail('TRAIN_NETWORK_UNSUPPORTED', `layer ${shown(this.name)} (${shown(this.kind).slice(1, -1)}): ${problem}`)
  }

  damaged(problem: string): never {
    return this.#fail('TRAIN_NETWORK_FILE', `layer ${shown(this.name)} (${shown(this.kind).slice(1, -1)}): ${problem}`)
  }

  get(field: string): unknown {
    return this.#config[field]
  }

  number(field: string, fallback?: number): number {
    const value = this.#config[field] ?? fallback
    return typeof value === 'number' && Number.isFinite(value) ? value : this.damaged(`expected ${field} to be a number, found ${shown(value)}`)
  }

  flag(field: string, fallback: boolean): boolean {
    return (this.#config[field] ?? fallback) === true
  }

  text(field: string, fallback: string): string {
    return String(this.#config[field] ?? fallback)
  }

  /** Two numbers, or one for both. */
  pair(field: string, fallback?: readonly [number, number]): readonly [number, number] {
    const value = this.#config[field] ?? fallback
    const list = typeof value === 'number' ? [value, value] : value
    if (!Array.isArray(list) || list.length !== 2 || !list.every(Number.isSafeInteger)) return this.damaged(`expected ${field} to be two whole numbers, found ${shown(JSON.stringify(value))}`)
    return [list[0] as number, list[1] as number]
  }

  /** Only one value of a setting is known. */
  require(field: string, ...values: readonly unknown[]): void {
    const found = this.#config[field]
    if (found !== undefined && !values.includes(found)) this.unsupported(`expected ${field} ${values.map(String).join(' or ')}, found ${shown(JSON.stringify(found))}`)
  }

  weight(part: string, count: number): Float32Array {
    const data = (this.#weights.get(`${this.name}/${part}`) ?? this.damaged(`its weight ${part} is not there`)).data
    return data.length === count ? data : this.damaged(`expected ${part} of ${count} values, found ${data.length}`)
  }

  /** [height, width, channels] as the first layer states it; a vector is [1, 1, units]. */
  inputShape(size: readonly [number, number] | undefined): [number, number, number] {
    const stated = this.#config['batch_input_shape'] ?? this.#config['batchInputShape'] ?? this.#config['batch_shape']
    if (!Array.isArray(stated)) return this.damaged('expected a batch_input_shape')
    const shape = (stated as unknown[]).slice(1)
    if (shape.length === 1) shape.unshift(1, 1)
    const [height, width, channels] = shape.map((value, axis) => (value === null && axis < 2 ? size?.[axis] : value))
    if (shape.length !== 3 || ![height, width, channels].every((value) => Number.isSafeInteger(value) && (value as number) > 0)) return this.unsupported(`expected an input [batch, height, width, channels], found [${stated.map((value) => value ?? '?').join(', ')}]; state height and width`)
    return [height as number, width as number, channels as number]
  }

  #inboundNames(): string[] {
    const nodes = this.#source['inbound_nodes'] ?? this.#source['inboundNodes'] ?? []
    if (!Array.isArray(nodes) || nodes.length > 1) return this.unsupported('is used more than once')
    const entries: unknown = nodes[0] ?? []
    const names = Array.isArray(entries) ? entries.map((entry: unknown) => (Array.isArray(entry) ? entry[0] : undefined)) : [undefined]
    return names.every((name) => typeof name === 'string') ? (names as string[]) : this.unsupported('expected inbound_nodes of [name, node, tensor, arguments]')
  }
}
