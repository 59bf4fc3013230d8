// What lies in a model folder:
//
//   graph.json             the graph (graph.ts) and beside its fields
//                            weights: { sha256, byteLength } of the weights file
//                            provenance: whatever the exporter says about the training run
//   weights.safetensors    every weight of the graph, float32, in node order
//   compiled/              what a compiler made of the two; may always be thrown away
//
// The first two never change after export. Their names are fixed rather than told by graph.json, so no
// document can make a loader read elsewhere.

import type { Graph } from './graph.js'
import type { Weights } from './weights.js'

export const graphFileName = 'graph.json'
export const weightsFileName = 'weights.safetensors'
export const compiledFolderName = 'compiled'

/** Facts about where a network comes from (data set, options, scores); anything that JSON can hold. */
export type Provenance = Readonly<Record<string, unknown>>

/** What a model folder says, checked. */
export interface ModelParts {
  readonly graph: Graph
  readonly weights: Weights
  readonly provenance: Provenance
}
