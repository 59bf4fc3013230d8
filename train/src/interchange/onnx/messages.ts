// ONNX's messages (onnx.proto), as far as an inference network of one graph uses them.
//
// Two fields differ from the standard's types, not from its bytes: packed numbers (`floatData` …) are left as
// the bytes that they are, and decoded when somebody wants them, so that a file cannot unfold into many times
// its size; attributes that hold graphs (of If and Loop, which no operator here has) are passed over.

import protobuf from 'protobufjs/light.js'

export interface ModelMessage {
  readonly irVersion: Int64
  readonly producerName: string
  readonly graph: GraphMessage | null
  readonly opsetImport: readonly { readonly domain: string; readonly version: Int64 }[]
  readonly metadataProps: readonly KeyValue[]
}

export interface GraphMessage {
  readonly name: string
  readonly node: readonly NodeMessage[]
  readonly initializer: readonly TensorMessage[]
  readonly sparseInitializer: readonly unknown[]
  readonly input: readonly ValueInfoMessage[]
  readonly output: readonly ValueInfoMessage[]
}

export interface NodeMessage {
  readonly name: string
  readonly opType: string
  readonly domain: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly attribute: readonly AttributeMessage[]
}

export interface AttributeMessage {
  readonly name: string
  /** attributeType of the field that holds the value; 0 in the oldest files. */
  readonly type: number
  readonly f: number
  readonly i: Int64
  readonly s: Uint8Array
  readonly t: TensorMessage | null
  readonly floats: readonly number[]
  readonly ints: readonly Int64[]
}

export interface TensorMessage {
  readonly name: string
  readonly dims: readonly Int64[]
  readonly dataType: number
  readonly rawData: Uint8Array
  readonly floatData: readonly Uint8Array[]
  readonly int32Data: readonly Uint8Array[]
  readonly int64Data: readonly Uint8Array[]
  readonly doubleData: readonly Uint8Array[]
  readonly uint64Data: readonly Uint8Array[]
  readonly externalData: readonly KeyValue[]
  /** 1: the data lie in another file. */
  readonly dataLocation: number
}

export interface ValueInfoMessage {
  readonly name: string
  readonly type: { readonly tensorType: { readonly elemType: number; readonly shape: { readonly dim: readonly { readonly dimValue: Int64; readonly dimParam: string }[] } | null } | null } | null
}

export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** As protobufjs gives 64-bit numbers. */
export type Int64 = number | { toNumber(): number }

export const attributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const

type FieldRow = readonly [name: string, id: number, type: string, rule?: 'repeated']

function message(...fields: readonly FieldRow[]): protobuf.IType {
  return { fields: Object.fromEntries(fields.map(([name, id, type, rule]) => [name, { id, type, ...(rule && { rule, options: { packed: false } }) }])) }
}

const root = protobuf.Root.fromJSON({
  nested: {
    Model: message(['irVersion', 1, 'int64'], ['producerName', 2, 'string'], ['producerVersion', 3, 'string'], ['graph', 7, 'Graph'], ['opsetImport', 8, 'OperatorSet', 'repeated'], ['metadataProps', 14, 'KeyValue', 'repeated']),
    OperatorSet: message(['domain', 1, 'string'], ['version', 2, 'int64']),
    Graph: message(['node', 1, 'Node', 'repeated'], ['name', 2, 'string'], ['initializer', 5, 'Tensor', 'repeated'], ['input', 11, 'ValueInfo', 'repeated'], ['output', 12, 'ValueInfo', 'repeated'], ['sparseInitializer', 15, 'Empty', 'repeated']),
    Empty: message(),
    Node: message(['input', 1, 'string', 'repeated'], ['output', 2, 'string', 'repeated'], ['name', 3, 'string'], ['opType', 4, 'string'], ['attribute', 5, 'Attribute', 'repeated'], ['domain', 7, 'string']),
    Attribute: message(['name', 1, 'string'], ['f', 2, 'float'], ['i', 3, 'int64'], ['s', 4, 'bytes'], ['t', 5, 'Tensor'], ['floats', 7, 'float', 'repeated'], ['ints', 8, 'int64', 'repeated'], ['type', 20, 'int32']),
    Tensor: message(['dims', 1, 'int64', 'repeated'], ['dataType', 2, 'int32'], ['floatData', 4, 'bytes', 'repeated'], ['int32Data', 5, 'bytes', 'repeated'], ['int64Data', 7, 'bytes', 'repeated'], ['name', 8, 'string'], ['rawData', 9, 'bytes'], ['doubleData', 10, 'bytes', 'repeated'], ['uint64Data', 11, 'bytes', 'repeated'], ['externalData', 13, 'KeyValue', 'repeated'], ['dataLocation', 14, 'int32']),
    ValueInfo: message(['name', 1, 'string'], ['type', 2, 'Type']),
    Type: message(['tensorType', 1, 'TensorType']),
    TensorType: message(['elemType', 1, 'int32'], ['shape', 2, 'Shape']),
    Shape: message(['dim', 1, 'Dimension', 'repeated']),
    Dimension: message(['dimValue', 1, 'int64'], ['dimParam', 2, 'string']),
    KeyValue: message(['key', 1, 'string'], ['value', 2, 'string']),
  },
})
const modelType = root.lookupType('Model')

/** @throws Error of protobufjs if the bytes are no such message */
export function decodeModel(bytes: Uint8Array): ModelMessage {
  return modelType.decode(bytes) as unknown as ModelMessage
}

/** The bytes of a model; fields that are left out are left out. */
export function encodeModel(model: DeepPartial<ModelMessage>): Uint8Array {
  return modelType.encode(modelType.fromObject(model)).finish()
}

export type DeepPartial<T> = T extends Uint8Array | number | string | Int64 ? T : T extends readonly (infer Item)[] ? readonly DeepPartial<Item>[] : { readonly [Key in keyof T]?: DeepPartial<T[Key]> }

/** A 64-bit number; past 2^53 it is not exact, which INT64_MAX ("to the end") need not be. */
export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber()
}
