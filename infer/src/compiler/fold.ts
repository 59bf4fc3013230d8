// Scales and shifts by channel drawn into what stands before or after them.

import type { Stage } from '../kernels/network/elementwise.js'
import type { ConvolutionOperation, DenseOperation, ElementwiseOperation, TransposedConvolutionOperation } from './operation.js'

/** Does y · scale + shift within the operation that makes y; false where it ends in one already. */
export function foldAfter(producer: ConvolutionOperation | TransposedConvolutionOperation | DenseOperation | ElementwiseOperation, scale: Float32Array, shift: Float32Array): boolean {
  if (producer.kind === 'elementwise') {
    addStage(producer, { kind: 'affine', scale, shift })
    return true
  }
  const { epilogue, leading } = producer
  if (epilogue.affine) return false
  if (epilogue.residual || epilogue.activation !== undefined) {
    producer.epilogue = { ...epilogue, affine: true }
    producer.leading = { ...leading, scale, shift }
  } else {
    const filters = scale.length
    producer.kernel = producer.kernel.map((value, index) => value * scale[index % filters]!)
    producer.leading = { ...leading, bias: leading.bias.map((value, filter) => value * scale[filter]! + shift[filter]!) }
  }
  return true
}

/** Does x · scale + shift of the operation's input within its weights: kernel · scale, and bias + Σ kernel · shift. */
export function foldBefore(operation: ConvolutionOperation | DenseOperation, scale: Float32Array, shift: Float32Array): void {
  const filters = operation.leading.bias.length
  const groups = operation.kind === 'convolution' ? operation.groups : 1
  const [groupChannels, groupFilters] = [scale.length / groups, filters / groups]
  const bias = Float64Array.from(operation.leading.bias)
  operation.kernel = operation.kernel.map((value, index) => {
    const filter = index % filters
    const channel = Math.floor(filter / groupFilters) * groupChannels + (Math.floor(index / filters) % groupChannels)
    bias[filter]! += value * shift[channel]!
    return value * scale[channel]!
  })
  operation.leading = { ...operation.leading, bias: Float32Array.from(bias) }
}

/** One more stage; two scales and shifts after each other become one. */
export function addStage(operation: ElementwiseOperation, stage: Stage): void {
  const last = operation.stages.at(-1)
  if (stage.kind === 'affine' && last?.kind === 'affine') {
    const scale = last.scale.map((value, channel) => value * stage.scale[channel]!)
    const shift = last.shift.map((value, channel) => value * stage.scale[channel]! + stage.shift[channel]!)
    operation.stages = [...operation.stages.slice(0, -1), { kind: 'affine', scale, shift }]
  } else operation.stages = [...operation.stages, stage]
}

/** [.., filters, channels] → [.., channels, filters] */
export function swapKernelAxes(kernel: Float32Array, filters: number, channels: number): Float32Array {
  const matrix = filters * channels
  return kernel.map((_, index) => {
    const [begin, place] = [Math.floor(index / matrix) * matrix, index % matrix]
    return kernel[begin + (place % filters) * channels + Math.floor(place / filters)]!
  })
}
