// What every kernel of a compiled network is: a function over tensors that lie in one memory, generated
// for their shapes. All have the same parameters, so that a network is a list of calls.

import type { FunctionSpec, ValueType } from '../assembler.js'

/** How a value [n, height, width, channels] of float32 lies in memory; a vector is 1 x 1. */
export interface Layout {
  readonly height: number
  readonly width: number
  readonly channels: number
  /** From a pixel to the next in its row. All but a network's own input keep pixels on 16 bytes. */
  readonly pixelBytes: number
  readonly rowBytes: number
  readonly imageBytes: number
}

/** Which instructions a module may use, and the tile that suits them. */
export interface Variant {
  readonly name: 'simd' | 'relaxed'
  /** Pixels of a convolution's tile; 8 filters wide. */
  readonly tilePixels: number
  /** Whether a·b + c may be one instruction (relaxed SIMD). */
  readonly fusedMultiplyAdd: boolean
}

export const plainSimd: Variant = { name: 'simd', tilePixels: 4, fusedMultiplyAdd: false }
export const relaxedSimd: Variant = { name: 'relaxed', tilePixels: 6, fusedMultiplyAdd: true }

export interface Kernel {
  /** What it does, for people: "direct 3x3". */
  readonly name: string
  /** Kernels of the same key have the same function. */
  readonly key: string
  emit(variant: Variant): FunctionSpec
  /** Its weights as its function reads them, the same for every variant. */
  readonly weights: Float32Array
  /** Scratch that lives only during the call. Default none. */
  workspaceBytes?(batch: number): number
  /** Pixels x filters that it holds in registers, for people: "4x8". Kernels that are timed to choose a variant say it. */
  tile?(variant: Variant): string
  /** Multiplications with an addition, an image, as the definition has them. */
  readonly multiplyAdds: number
}

/** The parameters of every kernel: addresses (of the first pixel of the first image), and how many images. */
export const [inputAddress, secondAddress, weightsAddress, outputAddress, workspaceAddress, batchCount] = [0, 1, 2, 3, 4, 5]
export const kernelParameters: readonly ValueType[] = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']

/** Channels rounded up to whole vectors. */
export const vectorChannels = (channels: number): number => Math.ceil(channels / 4) * 4

/** Whether a row is followed by the next without a gap, so that an image is one long row. */
export const isDense = ({ width, height, pixelBytes, rowBytes }: Layout): boolean => height === 1 || rowBytes === width * pixelBytes

/** A layout as a part of a key. */
export const layoutKey = ({ height, width, channels, pixelBytes, rowBytes, imageBytes }: Layout): string => [height, width, channels, pixelBytes, rowBytes, imageBytes].join(',')
