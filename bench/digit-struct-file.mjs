// Writes a digitStruct.mat of the size of SVHN's training set: 33,402 entries with as many digits each as
// there; the same bytes on every run.

import { writeFile } from 'node:fs/promises'
import { encodeDigitStruct } from '../tools/dist/samples/digit-struct.js'

/** How many images of SVHN's training set have 1, 2 … 6 digits. */
const imagesWith = [5_137, 18_130, 8_691, 1_434, 9, 1]

export async function writeDigitStructFile(path) {
  const lengths = imagesWith.flatMap((images, index) => Array(images).fill(index + 1))
  const entries = lengths.map((_, index) => toEntry(index, lengths[(index * 7_919) % lengths.length])) // 7,919 is prime: a permutation
  await writeFile(path, encodeDigitStruct(entries))
  return { entries: entries.length, boxes: lengths.reduce((sum, length) => sum + length, 0) }
}

function toEntry(index, length) {
  const boxes = Array.from({ length }, (_, place) => ({ height: 20 + (index % 30), left: 10 + place * 15, top: 5 + (index % 7), width: 14, label: 1 + ((index + place) % 10) }))
  return { name: `${index + 1}.png`, boxes }
}
