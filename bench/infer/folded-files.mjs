// The network that the peers run in a folder: folded.json (graph, shapes, where each weight lies) and folded.bin.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inferShapes, weightSpecs } from '../../infer/dist/index.js'

export async function writeFolded(folder, graph, weights) {
  let offset = 0
  const list = weightSpecs(graph).map(({ name, shape }) => {
    const place = { name, shape, offset, length: weights.get(name).length }
    offset += weights.get(name).byteLength
    return place
  })
  await writeFile(join(folder, 'folded.json'), JSON.stringify({ graph, shapes: Object.fromEntries(inferShapes(graph)), weights: list }))
  await writeFile(join(folder, 'folded.bin'), list.map(({ name }) => weights.get(name)))
}
