// Writes a network for all peers into a folder: graph.json and weights.safetensors, folded.json and folded.bin,
// model.onnx, one batch-N.tflite a batch size, and images.bin [most images of a batch, h, w, c].

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileGraph, networkModule, plainSimd } from '../../infer/dist/compiler/index.js'
import { inferShapes, saveModel } from '../../infer/dist/index.js'
import { writeFolded } from './folded-files.mjs'
import { countFlops, foldForPeers, fuseActivations } from './for-peers.mjs'
import { networks } from './networks.mjs'
import { onnxModel } from './onnx-model.mjs'
import { seededImages, seededWeights } from './seeded.mjs'
import { tfliteModel } from './tflite-model.mjs'

export async function prepareNetwork(name, folder, batches) {
  const graph = networks[name]()
  const weights = seededWeights(graph)
  const folded = foldForPeers(graph, weights)
  const fused = fuseActivations(folded.graph, { layers: ['conv2d', 'dense'], activations: ['relu', 'clip', 'elu'] })
  await saveModel(folder, graph, weights, {})
  await writeFolded(folder, fused, folded.weights)
  await writeFile(join(folder, 'model.onnx'), onnxModel(folded.graph, folded.weights))
  for (const batch of batches) await writeFile(join(folder, `batch-${batch}.tflite`), tfliteModel(folded.graph, folded.weights, batch))
  await writeFile(join(folder, 'images.bin'), seededImages(graph.input.shape, Math.max(...batches)))
  return { name, folder, shape: graph.input.shape, facts: factsOf(graph, weights) }
}

function factsOf(graph, weights) {
  const compiled = compileGraph(graph, weights)
  return {
    flops: countFlops(graph, inferShapes(graph)),
    weightBytes: [...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    moduleBytes: networkModule(compiled, plainSimd).length,
  }
}
