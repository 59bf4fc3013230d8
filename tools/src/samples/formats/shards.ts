// Food in TFRecord files and WebDataset shards, through the writers that `millrace convert` uses.

import { encodeTfRecordImages, encodeWebDataset, type LabelledImage } from '@millrace/pipeline'
import { encodeImage, partNames, type PartName } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { foodNames } from '../scenes/food.js'
import { drawFood } from './food-files.js'

/** So many shards hold the images of a part. */
const shardsOf: Readonly<Record<PartName, number>> = { train: 2, validation: 1, test: 1 }
const splits = { train: 'train', validation: 'val', test: 'test' } as const

/** DIR/PART-00000-of-00002.tfrecord. */
export function writeTfRecord(request: SampleRequest): Promise<WrittenPart[]> {
  const nameOf = (part: string, shard: number, count: number): string => `${part}-${`${shard}`.padStart(5, '0')}-of-${`${count}`.padStart(5, '0')}.tfrecord`
  return writeShards(request, nameOf, (images) => encodeTfRecordImages(images, foodNames), ['--format', 'tfrecord'])
}

/** DIR/PART-000000.tar, and classes.txt. */
export async function writeWebDataset(request: SampleRequest): Promise<WrittenPart[]> {
  await request.folder.write('classes.txt', foodNames.map((name) => `${name}\n`).join(''))
  return writeShards(request, (part, shard) => `${part}-${`${shard}`.padStart(6, '0')}.tar`, encodeWebDataset, ['--format', 'webdataset'], 'classes.txt')
}

async function writeShards(
  { folder, counts, size }: SampleRequest,
  nameOf: (part: string, shard: number, count: number) => string,
  encode: (images: AsyncIterable<LabelledImage>) => AsyncIterable<Uint8Array>,
  flags: readonly string[],
  classNames?: string,
): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const images = await folder.draw(part, counts[part], async (random, index): Promise<LabelledImage> => {
      const { image, label } = drawFood(random, index, size)
      return { id: BigInt(index), key: `${part} ${index}`, labelKind: 'class', labels: Float32Array.of(label), image: await encodeImage(image, '.jpg') }
    })
    for (let shard = 0; shard < shardsOf[part]; shard++) {
      const held = images.filter((_, index) => index % shardsOf[part] === shard)
      await folder.write(nameOf(part, shard, shardsOf[part]), await collect(encode(inTurn(held))))
    }
    written.push({ part: splits[part], images: images.length, path: '', flags: [...flags, '--split', splits[part]], ...(classNames !== undefined && { classNames }) })
  }
  return written
}

async function* inTurn<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const held: Uint8Array[] = []
  for await (const chunk of chunks) held.push(chunk)
  return Buffer.concat(held)
}
