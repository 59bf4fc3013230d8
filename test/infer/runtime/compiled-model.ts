// A small model folder with a compiled part, for the tests of loading.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { saveModel, type Graph } from '@millrace/infer'
import { saveCompiled } from '@millrace/infer/compiler'
import { classGraph, randomWeights } from '../networks.js'

/** A model folder's files by their path. */
export type Files = Record<string, Uint8Array>

/** RGB pixels of 24x24, with every kind of step that many networks have. */
export const smallGraph: Graph = classGraph([24, 24, 3], [
  { op: 'conv2d', name: 'conv', input: 'image', filters: 16, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true },
  { op: 'relu', name: 'relu', input: 'conv' },
  { op: 'maxPool2d', name: 'pool', input: 'relu', poolSize: [2, 2], strides: [2, 2], padding: 'valid' },
  { op: 'conv2d', name: 'wide', input: 'pool', filters: 24, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true },
  { op: 'globalAveragePool2d', name: 'mean', input: 'wide' },
  { op: 'dense', name: 'logits', input: 'mean', units: 5, bias: true },
  { op: 'softmax', name: 'answer', input: 'logits' },
], 5)

export const smallWeights = randomWeights(smallGraph)

/** An input of so many images. */
export function smallInput(count: number): Float32Array {
  return Float32Array.from({ length: count * 24 * 24 * 3 }, (_, index) => Math.sin(index))
}

/** The files of a model that was saved and compiled. */
export async function compiledFiles(graph: Graph = smallGraph, batch = 3): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  try {
    await saveModel(join(folder, 'model'), graph, randomWeights(graph), {})
    await saveCompiled(join(folder, 'model'), { batch })
    return await readFiles(join(folder, 'model'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

export async function readFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [relative(folder, path).replaceAll(sep, '/'), new Uint8Array(await readFile(path))] as const)))
}

/** As a hostile author would: the file changed, and the plan's digest of it made to fit. */
export function replaceFile(files: Files, name: 'packed.bin' | 'model.wasm' | 'model-relaxed.wasm', bytes: Uint8Array): Files {
  const digest = { sha256: createHash('sha256').update(bytes).digest('hex'), byteLength: bytes.length }
  const change = (plan: PlanJson): PlanJson => name === 'packed.bin'
    ? { ...plan, packed: digest }
    : { ...plan, modules: { ...(plan['modules'] as object), [name === 'model.wasm' ? 'simd' : 'relaxed']: digest } }
  return { ...editPlan(files, change), [`compiled/cpu/${name}`]: bytes }
}

export type PlanJson = Record<string, unknown>

export function editPlan(files: Files, change: (plan: PlanJson) => unknown): Files {
  const plan = JSON.parse(new TextDecoder().decode(files['compiled/cpu/plan.json'])) as PlanJson
  return { ...files, 'compiled/cpu/plan.json': new TextEncoder().encode(JSON.stringify(change(plan))) }
}

/** The files of the package that are fetched with one of them, dynamic imports left out. */
export function staticImports(dist: URL, entry: string): string[] {
  const found = new Set<string>()
  const visit = (path: URL): void => {
    if (found.has(path.href)) return
    found.add(path.href)
    const code = readFileSync(path, 'utf8')
    for (const [, specifier] of code.matchAll(/^(?:import|export) (?:[\w\s{},*]+ from )?['"]([^'"]+)['"]/gm)) {
      const web: Record<string, string> = { '#read-folder': './read-folder-web.js', '#write-folder': './write-folder-web.js' }
      visit(specifier!.startsWith('#') ? new URL(web[specifier!]!, dist) : new URL(specifier!, path))
    }
  }
  visit(new URL(entry, dist))
  return [...found].map((href) => href.slice(dist.href.length)).sort()
}
