// Opens the compiled part of a model folder, compiled/<target>/. The weights file is not read: graph.json and
// plan.json must name the same one, and packed.bin holds what the kernels need of it.

import { InferError } from '../errors.js'
import { checkDigest, checkSha256, type FileDigest } from '../file-digest.js'
import type { Graph } from '../graph.js'
import { compiledFolderName } from '../model-folder.js'
import { missing, type ModelFiles } from '../model-files.js'
import { checkInterface, checkSections, damaged } from './check-module.js'
import { createMemory } from './network-memory.js'
import type { VariantName } from './plan.js'
import { startSession, type Session, type SessionOptions } from './session.js'
import { moduleFileNames, packedFileName, parsePlan, planFileName, type StoredPlan } from './stored-plan.js'
import { wantedVariants, type VariantChoice } from './variants.js'

export interface CompiledOptions extends SessionOptions {
  /** The folder within compiled/. Default `cpu`. */
  readonly target?: string
  /** Which variant to use. Default `auto`: the faster, by a few milliseconds of measuring once a process. */
  readonly variant?: VariantChoice
}

/** The graph of a model folder, and what its parts are recognised by. */
export interface GraphSource {
  readonly graph: Graph
  readonly digests: { readonly graph: FileDigest; readonly weights: FileDigest }
}

/** A compiled network in its files, not yet opened. */
export interface CompiledPart {
  readonly plan: StoredPlan
  open(): Promise<Session>
}

export const defaultTarget = 'cpu'

/** Largest plan.json and module read; those of a network of 1,000 layers have a tenth of it. */
const maxPlanBytes = 16 * 2 ** 20
const maxModuleBytes = 64 * 2 ** 20

/** Where the compiled part for a target lies in a model folder. */
export function compiledPath(target: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(target)) throw new InferError('INFER_ARGUMENT', 'target: expected a name of small letters, digits and -, such as "cpu"')
  return `${compiledFolderName}/${target}`
}

/**
 * The compiled part of a folder for a target; undefined where there is none.
 * @throws InferError INFER_COMPILED or INFER_MODEL_READ if it is damaged, INFER_MODEL_CHANGED if it was made of another
 * graph or of other weights; from `open` also INFER_MEMORY
 */
export async function findCompiled(files: ModelFiles, source: GraphSource, options: CompiledOptions): Promise<CompiledPart | undefined> {
  const folder = compiledPath(options.target ?? defaultTarget)
  const path = `${files.name}/${folder}/${planFileName}`
  const bytes = await files.read(`${folder}/${planFileName}`, maxPlanBytes)
  if (bytes === undefined) return undefined
  const plan = parsePlan(parseJson(bytes, path), source.graph, path)
  for (const name of ['graph', 'weights'] as const) {
    if (plan.sources[name].sha256 !== source.digests[name].sha256) {
      throw new InferError('INFER_MODEL_CHANGED', `${path}: it was compiled from another ${name === 'graph' ? 'graph.json' : 'weights.safetensors'} than the one that is there; run "millrace compile" on the model again, or delete its compiled folder`, { path })
    }
  }
  return { plan, open: () => openCompiled(files, folder, plan, options) }
}

async function openCompiled(files: ModelFiles, folder: string, plan: StoredPlan, options: CompiledOptions): Promise<Session> {
  const memory = createMemory(plan, options.maxMemoryBytes)
  const [digest, modules] = await Promise.all([
    files.readInto(`${folder}/${packedFileName}`, new Uint8Array(memory.buffer, 0, plan.weightBytes)),
    readModules(files, folder, plan, options.variant ?? 'auto'),
  ])
  checkSha256(digest, plan.packed, planFileName, `${files.name}/${folder}/${packedFileName}`)
  return startSession(plan, memory, modules, `${files.name}/${folder}`)
}

async function readModules(files: ModelFiles, folder: string, plan: StoredPlan, choice: VariantChoice): Promise<Map<VariantName, WebAssembly.Module>> {
  const read = async (name: VariantName): Promise<[VariantName, WebAssembly.Module][]> => {
    const module = await readModule(files, `${folder}/${moduleFileNames[name]}`, plan, plan.modules.get(name))
    return module === undefined ? [] : [[name, module]]
  }
  let modules = (await Promise.all(wantedVariants(choice).map(read))).flat()
  if (modules.length === 0 && choice === 'auto') modules = await read('simd') // relaxed is the faster, but was not shipped
  if (modules.length === 0) throw missing(`${files.name}/${folder}/${moduleFileNames[choice === 'auto' ? 'simd' : choice]}`)
  return new Map(modules)
}

/** Undefined where the plan or the folder has no such module. */
async function readModule(files: ModelFiles, name: string, plan: StoredPlan, expected: FileDigest | undefined): Promise<WebAssembly.Module | undefined> {
  const path = `${files.name}/${name}`
  const ready = files.module?.(name)
  const bytes = ready === undefined && expected !== undefined ? await files.read(name, maxModuleBytes) : undefined
  if (bytes !== undefined) await checkDigest(bytes, expected!, planFileName, path)
  const module = ready ?? (bytes && (await compile(bytes, path)))
  if (module !== undefined) checkInterface(module, plan.steps.length, path)
  return module
}

async function compile(bytes: Uint8Array, path: string): Promise<WebAssembly.Module> {
  checkSections(bytes, path)
  return WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>).catch((error: unknown) => {
    throw damaged(path, `it is not a module that this engine runs: ${(error as Error).message}`, error)
  })
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw damaged(path, `expected JSON: ${(error as Error).message}`, error)
  }
}
