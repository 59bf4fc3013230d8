// onnxruntime's native library: what a server that may install it gets.

import { join } from 'node:path'
import ort from 'onnxruntime-node'
import { onnxPeer } from './onnxruntime.mjs'

export async function load({ folder, shape, batch, threads }) {
  const session = await ort.InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' })
  return onnxPeer(ort, session, { shape, batch })
}
