// Class folders: PART/banana/00002.jpg.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { partNames } from '../sample-folder.js'
import { drawFoodFiles } from './food-files.js'

/** DIR/{train,validation,test}/CLASS/NAME.jpg. */
export async function writeFolder({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const files = await drawFoodFiles(folder, part, counts[part], size, (name, kind) => `${part}/${kind}/${name}`)
    written.push({ part, images: files.length, path: part, flags: ['--format', 'folder'] })
  }
  return written
}
