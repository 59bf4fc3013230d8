// Packs data sets that are long, each in a process of its own, and watches its memory: it must stay below
// 300 MB + 64 MB a thread, and must not grow with the number of samples.
//
//   npm run soak:memory [-- --samples 200000 --photos 400 --threads 2]

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodePng } from '../pipeline/dist/images/index.js'
import { packDataset, PipelineError } from '../pipeline/dist/index.js'

const { values } = parseArgs({ options: { samples: { type: 'string', default: '200000' }, photos: { type: 'string', default: '400' }, threads: { type: 'string', default: '2' }, run: { type: 'string' }, output: { type: 'string' } } })
const [samples, photos, threads] = [values.samples, values.photos, values.threads].map(Number)
const photoFolder = process.env.MILLRACE_TEST_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url))

/** What is packed: so many samples, of which image and label follow from the position. */
const runs = {
  'tiny images, encoded': { count: Math.ceil(samples / 4), image: tiny, label: (index) => index % 10, options: { plan: { resize: { kind: 'exact', width: 16, height: 16 } } } },
  'tiny images, kept': { count: samples, image: tiny, label: (index) => index % 10, options: { plan: { encode: { kind: 'original' } } } },
  'every label another, above 2^24': { count: samples, image: tiny, label: (index) => 2 ** 24 + 2 * index + 1, options: { plan: { encode: { kind: 'original' } }, shards: { count: 20 } } },
  'every second sample rejected': { count: samples, image: (index) => (index % 2 ? refuse(index) : tiny(index)), label: () => 0, options: { plan: { encode: { kind: 'original' } } } },
  'large photos': { count: photos, image: photo, label: () => 0, options: { plan: { resize: { kind: 'shorter-edge', pixels: 256 }, method: 'bilinear' } } },
}
let tinyImages
let photoFiles

if (values.run !== undefined) await packOne(runs[values.run], values.output)
else await packAll()

async function packAll() {
  const limitMB = 300 + 64 * threads
  console.log(`Node ${process.version}, ${threads} threads; at most ${limitMB} MB`)
  let isOver = false
  for (const name of Object.keys(runs)) {
    if (name === 'large photos' && !existsSync(join(photoFolder, 'large-photos'))) {
      console.log(`${name}: skipped, no large-photos in ${photoFolder} (set MILLRACE_TEST_DATA)`)
      continue
    }
    const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
    const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--run', name, '--output', join(folder, 'x.rec')], { encoding: 'utf8' })
    await rm(folder, { recursive: true })
    if (status !== 0) throw new Error(`${name}: ${stderr}`)
    const { packed, rejected, seconds, early, late, peak, journal } = JSON.parse(stdout)
    isOver ||= peak > limitMB
    console.log(`${name.padEnd(32)} ${packed} packed, ${rejected} rejected in ${seconds.toFixed(0)} s; RSS ${early} MB in the second quarter, ${late} MB in the last, peak ${peak} MB${peak > limitMB ? ' TOO MUCH' : ''}; journal at most ${journal} KB`)
  }
  if (isOver) process.exitCode = 1
}

async function packOne({ count, image, label, options }, output) {
  tinyImages = await Promise.all(Array.from({ length: 16 }, (_, index) => encodePng({ data: new Uint8Array(20 * 20 * 3).fill(index * 16), width: 20, height: 20, channels: 3 })))
  photoFiles = existsSync(join(photoFolder, 'large-photos')) ? readdirSync(join(photoFolder, 'large-photos')).filter((name) => /\.jpe?g$/i.test(name)).map((name) => join(photoFolder, 'large-photos', name)) : []
  const source = {
    count: async () => count,
    async *[Symbol.asyncIterator]() {
      for (let index = 0; index < count; index++) yield { id: BigInt(index), key: `folder/of/some/depth/${index}.png`, label: { kind: 'class', value: label(index) }, image: async () => image(index) }
    },
  }
  const quarters = [0, 0, 0, 0]
  let journal = 0
  const onProgress = ({ packed, rejected }) => {
    const done = packed + rejected
    if (done % Math.ceil(count / 400) !== 0) return
    const quarter = Math.min(3, Math.floor((4 * done) / count))
    quarters[quarter] = Math.max(quarters[quarter], process.memoryUsage.rss())
    journal = Math.max(journal, sizeOf(`${output}.partial`))
  }
  const { packed, rejected, seconds } = await packDataset({ source, output, labelKind: 'class', threads, onProgress, ...options })
  const [, early, , late] = quarters.map((bytes) => Math.round(bytes / 1e6))
  console.log(JSON.stringify({ packed, rejected, seconds, early, late, peak: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6), journal: Math.round(journal / 1e3) }))
}

function tiny(index) {
  return tinyImages[index % tinyImages.length]
}

function photo(index) {
  return readFileSync(photoFiles[index % photoFiles.length])
}

function refuse(index) {
  throw new PipelineError('PIPE_IMAGE_MISSING', `folder/of/some/depth/${index}.png: there is no such file in the data set; check the list`)
}

function sizeOf(path) {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
