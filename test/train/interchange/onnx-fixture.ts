// Writes small ONNX files for the tests, operator by operator.

import { encodeModel, type DeepPartial, type NodeMessage, type TensorMessage } from '../../../../train/dist/interchange/onnx/messages.js'

export interface SmallNetwork {
  readonly nodes: readonly DeepPartial<NodeMessage>[]
  readonly weights?: readonly DeepPartial<TensorMessage>[]
  /** With the batch; 0 leaves it open. Default [0, 2, 4, 4]. */
  readonly input?: readonly number[]
  readonly outputs?: readonly string[]
  readonly opset?: number
}

/** A file whose input is `x` and whose output is `y`. */
export function onnxFile({ nodes, weights = [], input = [0, 2, 4, 4], outputs = ['y'], opset = 13 }: SmallNetwork): Uint8Array {
  return encodeModel({
    irVersion: 7,
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'small',
      node: nodes,
      initializer: weights,
      input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: input.map((size) => (size === 0 ? { dimParam: 'N' } : { dimValue: size })) } } } }],
      output: outputs.map((name) => ({ name })),
    },
  })
}

type AttributeValue = number | string | readonly number[] | { readonly float: number }

/** A node of one output. */
export function operator(opType: string, input: readonly string[], output: string, attributes: Readonly<Record<string, AttributeValue>> = {}): DeepPartial<NodeMessage> {
  return {
    opType, name: `${opType} of ${output}`, input, output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => {
      if (typeof value === 'number') return { name, type: 2, i: value }
      if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) }
      return 'float' in value ? { name, type: 1, f: value.float } : { name, type: 7, ints: value }
    }),
  }
}

export function floats(name: string, dims: readonly number[], values: readonly number[]): DeepPartial<TensorMessage> {
  return { name, dims, dataType: 1, rawData: new Uint8Array(Float32Array.from(values).buffer) }
}

export function integers(name: string, values: readonly number[]): DeepPartial<TensorMessage> {
  return { name, dims: [values.length], dataType: 7, rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) }
}
