// A network wherever it lies: a run folder, a model folder, an ONNX file, a TensorFlow.js model.

import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Graph, Provenance, Weights } from '@millrace/infer'
import type { RunState } from '@millrace/train'
import type { ImportOptions } from '@millrace/train/interchange'
import { CliError } from './errors.js'

export interface NetworkSource {
  readonly graph: Graph
  readonly weights: Weights
  readonly provenance: Provenance
  /** Of a run: the checkpoint's. */
  readonly state?: RunState
}

export interface SourceOptions extends ImportOptions {
  readonly checkpoint: 'best' | 'last' | number
}

/**
 * The network of a path.
 * @throws CliError CLI_USAGE for options that this kind of source does not have; the errors of its reader
 */
export async function readNetwork(path: string, { checkpoint, ...options }: SourceOptions): Promise<NetworkSource> {
  const kind = await kindOf(path)
  if (kind === 'run' || kind === 'model') {
    if (Object.keys(options).length > 0) throw new CliError('CLI_USAGE', `${path}: --classes, --no-softmax, --input-size, --preprocessing and --name are for networks of other tools; leave them out`)
    if (kind === 'run') return await (await import('@millrace/train')).readRunNetwork(path, { checkpoint })
    return await (await import('@millrace/infer')).readModelFolder(path)
  }
  const { readOnnx, readTfjs } = await import('@millrace/train/interchange')
  const isFolder = kind === 'tfjs' && !path.endsWith('.json')
  const network = kind === 'onnx' ? await readOnnx(path, options) : await readTfjs(isFolder ? join(path, 'model.json') : path, options)
  return { ...network, provenance: { importedFrom: basename(path) } }
}

async function kindOf(path: string): Promise<'run' | 'model' | 'onnx' | 'tfjs'> {
  if (/\.onnx$/i.test(path)) return 'onnx'
  if (path.endsWith('.json')) return 'tfjs'
  const has = (name: string): Promise<boolean> => stat(join(path, name)).then((found) => found.isFile(), () => false)
  if (await has('config.json')) return 'run'
  if (await has('graph.json')) return 'model'
  return (await has('model.json')) ? 'tfjs' : 'run' // whose reader says what is missing
}
