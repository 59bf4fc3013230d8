// MNIST's four files: grey pixels, and a byte for each label, gzipped.
//
//   images   00 00 08 03, count, 28, 28 (u32, big-endian), pixels         labels   00 00 08 01, count, labels

import { gzipSync } from 'node:zlib'
import { Canvas } from '../canvas.js'
import { paintFigure, placeFigure } from '../figure.js'
import { between, type Random } from '../random.js'
import type { SampleFolder } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { drawGarment, garmentNames } from '../scenes/garment.js'
import { drawWrittenDigit } from '../scenes/handwriting.js'

const side = 28
const classCount = 10

/** Written digits. */
export function writeIdxDigits({ folder, counts }: SampleRequest): Promise<WrittenPart[]> {
  return writeIdx(folder, counts, (random, label) => drawWrittenDigit(random, label, side))
}

/** Clothes, with their names in classes.txt. */
export async function writeIdxClothes({ folder, counts }: SampleRequest): Promise<WrittenPart[]> {
  await folder.write('classes.txt', garmentNames.map((name) => `${name}\n`).join(''))
  return writeIdx(folder, counts, drawGarmentPicture, 'classes.txt')
}

function drawGarmentPicture(random: Random, label: number): Canvas {
  const canvas = new Canvas(side, side)
  const middle = (): number => side / 2 + between(random, -1, 1)
  const view = { x: middle(), y: middle(), scale: side * between(random, 0.42, 0.48), angle: between(random, -0.06, 0.06), stretch: between(random, 0.9, 1.08), slant: between(random, -0.05, 0.05) }
  paintFigure(canvas, placeFigure(drawGarment(random, label), view))
  canvas.blur(between(random, 0.3, 0.5))
  return canvas
}

async function writeIdx(folder: SampleFolder, counts: SampleRequest['counts'], draw: (random: Random, label: number) => Canvas, classNames?: string): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const [part, prefix] of [['train', 'train'], ['test', 't10k']] as const) {
    const drawn = await folder.draw(part, counts[part], (random) => {
      const label = Math.floor(random() * classCount)
      const { data } = draw(random, label).toImage()
      return { label, pixels: Uint8Array.from({ length: side * side }, (_, pixel) => data[3 * pixel]!) }
    })
    await folder.write(`${prefix}-images-idx3-ubyte.gz`, gzipSync(idxFile([drawn.length, side, side], drawn.map(({ pixels }) => pixels))))
    await folder.write(`${prefix}-labels-idx1-ubyte.gz`, gzipSync(idxFile([drawn.length], [Uint8Array.from(drawn, ({ label }) => label)])))
    written.push({ part, images: drawn.length, path: '', flags: ['--format', 'idx', '--split', part, '--encoding', 'png'], ...(classNames !== undefined && { classNames }) })
  }
  return written
}

function idxFile(shape: readonly number[], blocks: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt16BE(0x0800 + shape.length, 2)
  for (const [place, length] of shape.entries()) header.writeUInt32BE(length, 4 + 4 * place)
  return Buffer.concat([header, ...blocks])
}
