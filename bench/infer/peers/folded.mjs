// Reads what folded-files.mjs wrote; apart from it, so that a peer loads nothing of Millrace.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @returns graph, shapes by name, and weights: name → { shape, data } */
export async function readFolded(folder) {
  const { graph, shapes, weights } = JSON.parse(await readFile(join(folder, 'folded.json'), 'utf8'))
  const { buffer, byteOffset } = await readFile(join(folder, 'folded.bin'))
  return { graph, shapes, weights: new Map(weights.map(({ name, shape, offset, length }) => [name, { shape, data: new Float32Array(buffer, byteOffset + offset, length) }])) }
}
