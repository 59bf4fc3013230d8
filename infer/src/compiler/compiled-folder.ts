// Writes the compiled part of a model folder, compiled/<target>/, and opens it to be looked at:
//
//   plan.json             where everything lies (runtime/stored-plan.ts), and digests of the sources and of these:
//   packed.bin            the weights as the kernels of every variant read them
//   model.wasm            the module that every engine with SIMD runs
//   model-relaxed.wasm    the one that uses relaxed SIMD

import { folderFiles } from '#read-folder'
import { writeFolder } from '#write-folder'
import { InferError } from '../errors.js'
import { fileDigest } from '../file-digest.js'
import { readGraph, readWeights } from '../load-model.js'
import { checkBatch, defaultBatch } from '../model.js'
import { checkMemory } from '../runtime/network-memory.js'
import type { VariantName, WinogradUse } from '../runtime/plan.js'
import { compiledPath, defaultTarget, findCompiled, type CompiledOptions } from '../runtime/read-compiled.js'
import type { Session } from '../runtime/session.js'
import { moduleFileNames, packedFileName, planDocument, planFileName, planFormat, type StoredPlan } from '../runtime/stored-plan.js'
import { compileGraph, networkModule, planOf } from './compile.js'
import { variants } from './open-session.js'

export interface SaveCompiledOptions {
  /** Most images a run takes; memory grows with it. Default 8. */
  readonly batch?: number
  /** Whether Winograd's convolution may be used. Default 'auto'. */
  readonly winograd?: WinogradUse
  /** What it is compiled for: the folder within `compiled/`. Default and only `cpu`. */
  readonly target?: 'cpu'
}

export interface CompiledSummary {
  /** The folder written. */
  readonly folder: string
  /** Bytes of each file in it. */
  readonly files: Readonly<Record<string, number>>
  readonly plan: StoredPlan
  /** What a session takes: weights and arena, whole pages. */
  readonly memoryBytes: number
}

/**
 * Compiles the network of a model folder and writes the result into it, whole or not at all. The same model and
 * options give the same bytes.
 * @throws InferError as `readModelFolder`; INFER_MEMORY; INFER_MODEL_WRITE
 */
export async function saveCompiled(model: string, { batch = defaultBatch, winograd = 'auto', target = defaultTarget }: SaveCompiledOptions = {}): Promise<CompiledSummary> {
  const folder = `${model}/${compiledPath(target)}`
  const files = folderFiles(model)
  const source = await readGraph(files)
  const network = compileGraph(source.graph, await readWeights(files, source), { batch: checkBatch(batch), winograd })
  const { weights } = network
  const packed = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)
  const modules = (Object.keys(variants) as VariantName[]).map((name) => [name, networkModule(network, variants[name])] as const)
  const plan: StoredPlan = {
    ...planOf(network), sources: source.digests, packed: await fileDigest(packed),
    modules: new Map(await Promise.all(modules.map(async ([name, bytes]) => [name, await fileDigest(bytes)] as const))),
  }
  const memoryBytes = checkMemory(plan)
  const content = {
    [planFileName]: new TextEncoder().encode(`${JSON.stringify(planDocument(plan), null, 1)}\n`),
    [packedFileName]: packed,
    ...Object.fromEntries(modules.map(([name, bytes]) => [moduleFileNames[name], bytes])),
  }
  await writeFolder(folder, content, { what: 'compiled model', names: Object.keys(content), marker: { name: planFileName, text: `"${planFormat}"` } })
  return { folder, plan, memoryBytes, files: Object.fromEntries(Object.entries(content).map(([name, bytes]) => [name, bytes.length])) }
}

/**
 * A session of the compiled part of a model folder, for looking at its plan and timing its steps.
 * @throws InferError as `loadModel` with `compile: 'never'`
 */
export async function openCompiledModel(model: string, options: CompiledOptions = {}): Promise<Session> {
  const files = folderFiles(model)
  const part = await findCompiled(files, await readGraph(files), options)
  if (part === undefined) throw new InferError('INFER_COMPILED', `${model}: expected a compiled part, found none; run "millrace compile" on the model`, { path: model })
  return part.open()
}
