// Packs a fixed data set into the file named on the command line, going on with what is there; the test
// kills it on the way.

import { packDataset, type Sample } from '@millrace/pipeline'
import { createPng } from './digit-struct-fixture.js'

async function* source(): AsyncGenerator<Sample> {
  for (let index = 0; index < 120; index++) {
    const image = async (): Promise<Uint8Array> => (index % 50 === 7 ? Buffer.from('no image') : createPng(40, 30 + (index % 9), index))
    yield { id: BigInt(index * 7 % 120), key: `${index}.png`, label: { kind: 'values', values: [index, index / 3] }, image }
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
}

await packDataset({ source: source(), output: process.argv[2]!, labelKind: 'values', threads: 1, batchSamples: 5, resume: true, shards: { bytes: 40_000 } })
