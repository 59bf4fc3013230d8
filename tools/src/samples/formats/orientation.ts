// Upright photos of the open air; the `orientation` format turns them itself.

import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { drawStreetFiles } from './street-files.js'

/** DIR/{train,validation,test}/000001.jpg. */
export async function writeOrientation({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const files = await drawStreetFiles(folder, part, counts[part], size, (name) => `${part}/${name}`)
    written.push({ part, images: files.length, path: part, flags: ['--format', 'orientation'] })
  }
  return written
}
