// onnxruntime-web's WASM SIMD build, as its package gives it to Node.

import { join } from 'node:path'
import * as ort from 'onnxruntime-web'
import { onnxPeer } from './onnxruntime.mjs'

export async function load({ folder, shape, batch, threads }) {
  ort.env.wasm.numThreads = threads
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), { executionProviders: ['wasm'] })
  return onnxPeer(ort, session, { shape, batch })
}
