// The same records, rejects and reasons whichever thread reads and renders an image, and however.

import t from 'tap'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packDataset, sourceFormats, type ImagePlan, type Sample, type Source } from '@millrace/pipeline'
import { encodeJpeg, encodePng } from '@millrace/pipeline/images'

/** Small images, a few large ones between them, and everything that can be wrong with a file. */
async function drawImages(root: string): Promise<string> {
  mkdirSync(join(root, 'images/folder.png'), { recursive: true })
  mkdirSync(join(root, 'outside'))
  const names: string[] = []
  for (let index = 0; index < 150; index++) {
    const [width, height] = index % 40 === 7 ? [1500, 1200] : [20 + (index % 13), 17 + (index % 7)]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7 + index * 31 + (at >> 9)) & 255)
    const bytes = await (index % 3 === 0 ? encodeJpeg : encodePng)({ data, width, height, channels: 3 })
    names.push(`${index}.png`)
    writeFileSync(join(root, 'images', `${index}.png`), index % 31 === 5 ? bytes.subarray(0, bytes.length >> 1) : bytes)
  }
  writeFileSync(join(root, 'outside/secret.png'), readFileSync(join(root, 'images/1.png')))
  symlinkSync('../outside/secret.png', join(root, 'images/out.png'))
  symlinkSync('../outside', join(root, 'images/away'))
  symlinkSync('1.png', join(root, 'images/in.png'))
  symlinkSync('circle.png', join(root, 'images/circle.png'))
  writeFileSync(join(root, 'images/empty.png'), '')
  names.splice(20, 0, 'none.png', 'folder.png', 'out.png', 'away/secret.png', 'in.png', 'circle.png', 'empty.png', '../outside/secret.png')
  if (spawnSync('mkfifo', [join(root, 'images/pipe.png')]).status === 0) names.splice(30, 0, 'pipe.png')
  writeFileSync(join(root, 'x.lst'), names.map((name, index) => `${index}\t${index % 5}\t${name}\n`).join(''))
  return join(root, 'x.lst')
}

/** Its images without the files they are read from. */
function withoutFiles(source: Source): AsyncIterable<Sample> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const sample of source) yield { ...sample, image: () => sample.image() }
    },
  }
}

const plans: Readonly<Record<string, Partial<ImagePlan>>> = {
  'JPEG, small': { resize: { kind: 'exact', width: 24, height: 24 } },
  'antialiased': { resize: { kind: 'exact', width: 24, height: 24 }, method: 'antialiased', statistics: 'all' },
  'PNG': { crop: { kind: 'centre' }, encode: { kind: 'png', compression: 1 } },
  'as they are': { encode: { kind: 'original' } },
}

t.test('any number of threads, and files read by whichever of them', async (t) => {
  const root = t.testdir({})
  const list = await drawImages(root)
  for (const [name, plan] of Object.entries(plans)) {
    const results: string[][] = []
    for (const [index, threads] of [1, 2, 4, 2].entries()) {
      const source = await sourceFormats['list']!.open(list, { images: join(root, 'images') })
      const output = join(root, `${index}.rec`)
      const { rejectsPath = '' } = await packDataset({ source: index === 3 ? withoutFiles(source) : source, plan, output, labelKind: 'class', threads })
      results.push([output, rejectsPath, output.replace(/rec$/, 'idx'), output.replace(/rec$/, 'meta')].map((path) => readFileSync(path, 'latin1')))
    }
    const codes = results[0]![1]!.trim().split('\n').map((line) => JSON.parse(line) as { key: string; code: string })
    const codeOf = (key: string): string | undefined => codes.find((each) => each.key === key)?.code
    t.equal(codeOf('none.png'), 'PIPE_IMAGE_MISSING')
    for (const key of ['folder.png', 'circle.png']) t.equal(codeOf(key), 'PIPE_IMAGE_UNREADABLE', key)
    for (const key of ['out.png', 'away/secret.png', '../outside/secret.png']) t.equal(codeOf(key), 'PIPE_NAME_OUTSIDE', key)
    t.equal(codeOf('in.png'), undefined)
    if (name !== 'as they are') t.equal(codeOf('empty.png'), 'PIPE_IMAGE_DAMAGED')
    for (const [index, result] of results.entries()) for (const [part, bytes] of result.entries()) t.ok(bytes === results[0]![part], `${name}: run ${index}, file ${part}`)
  }
})

t.test('a fault of the program in another thread ends the run', async (t) => {
  const source = { async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for (let id = 0n; id < 50n; id++) yield { id, key: `${id}`, label: { kind: 'class', value: 0 }, image: () => Promise.resolve({ data: new Uint8Array(3), width: 1, height: 1, channels: 7 as 3 }) }
  } }
  const output = join(t.testdir({}), 'x.rec')
  await t.rejects(packDataset({ source, output, labelKind: 'class', threads: 2 }))
})
