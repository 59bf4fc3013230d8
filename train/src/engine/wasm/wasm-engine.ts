// The embedded engine: tfjs-backend-wasm with our kernels for what training needs and it lacks, does
// wrongly or does slowly. Runs wherever Node runs; one thread an engine, so replicas are worker threads.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { setWasmPaths, type BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type { Engine } from '../engine.js'
import { createTensorProgram } from '../tensor-program.js'
import { normaliseBatch, normaliseBatchGradient } from './batch-norm.js'
import { convolve, convolveFilterGradient, convolveInputGradient } from './convolution.js'
import { openHeap, type Heap } from './heap.js'
import { multiplyMatrices } from './matrix-product.js'
import { maxPoolGradient } from './max-pool.js'
import { rectify, reluGradient } from './relu.js'

let opened: Promise<Engine> | undefined

/** The embedded engine of this thread. */
export function openWasmEngine(): Promise<Engine> {
  opened ??= open()
  return opened
}

async function open(): Promise<Engine> {
  const packageFile = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
  setWasmPaths(join(dirname(packageFile), 'wasm-out/'))
  tf.env().set('PROD', true) // no checks of every value
  await tf.setBackend('wasm')
  registerKernels(openHeap(tf.backend() as BackendWasm))
  return { name: 'wasm', compile: createTensorProgram }
}

type Inputs = Record<string, tf.TensorInfo>

/** The attributes of all kernels together; each is there where its kernel needs it. */
interface Attributes {
  readonly strides: [number, number]
  readonly pad: 'same' | 'valid'
  readonly filterSize: [number, number]
  readonly filterShape: Shape4
  readonly inputShape: Shape4
  readonly transposeA: boolean
  readonly transposeB: boolean
  readonly epsilon: number
  readonly rectify: boolean
}
type Shape4 = [number, number, number, number]
type Compute = (inputs: Inputs, attributes: Attributes) => tf.TensorInfo | tf.TensorInfo[]

function registerKernels(heap: Heap): void {
  const convInfo = (xShape: number[], filterShape: number[], { strides, pad }: Attributes): tf.backend_util.Conv2DInfo =>
    tf.backend_util.computeConv2DInfo(xShape as Shape4, filterShape as Shape4, strides, 1, pad)

  register('Conv2D', ({ x, filter }, attributes) => convolve(heap, x!, filter!, convInfo(x!.shape, filter!.shape, attributes)))
  register('Conv2DBackpropFilter', ({ x, dy }, attributes) =>
    convolveFilterGradient(heap, x!, dy!, convInfo(x!.shape, attributes.filterShape, attributes)))
  register('Conv2DBackpropInput', ({ dy, filter }, attributes) =>
    convolveInputGradient(heap, dy!, filter!, convInfo(attributes.inputShape, filter!.shape, attributes)))
  register('MaxPoolGrad', ({ dy, input, output }, { filterSize, strides, pad }) =>
    maxPoolGradient(heap, dy!, input!, output!, tf.backend_util.computePool2DInfo(input!.shape as Shape4, filterSize, strides, 1, pad)))
  register('BatchMatMul', ({ a, b }, { transposeA, transposeB }) => multiplyMatrices(heap, a!, b!, transposeA, transposeB))
  register('Relu', ({ x }) => rectify(heap, x!))
  register('ReluGrad', ({ dy, y }) => reluGradient(heap, dy!, y!))
  register('BatchNormTraining', ({ x, gamma, beta }, options) => {
    const { y, mean, variance } = normaliseBatch(heap, x!, gamma!, beta!, options)
    return [y, mean, variance]
  })
  register('BatchNormTrainingGrad', ({ dy, x, y, gamma, mean, variance }, options) => {
    const { dx, dgamma, dbeta } = normaliseBatchGradient(heap, dy!, x!, y!, gamma!, mean!, variance!, options)
    return [dx, dgamma, dbeta]
  })
}

/** Puts our kernel in the place of the stock one, if there is one. */
function register(kernelName: string, compute: Compute): void {
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm')
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => compute(inputs as Inputs, attrs as unknown as Attributes),
  })
}
