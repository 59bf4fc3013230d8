// How fast are images packed? Millrace beside OpenCV doing im2rec.py's steps and beside plain sharp, in turns,
// each run in a process of its own that measures its work, and apart from it its start (loading, and the first
// 16 images); CPU time and wall time. The sets are large enough to measure packing: V8 goes on compiling for
// the first thousand images, some 0.3 s in all.
//
//   npm run bench:pack [-- --rounds 5 --only photos,large,crops,copy]
//
// Photos are read from ../shared/data (or MILLRACE_TEST_DATA); OpenCV needs Debian's python3-opencv. What is
// not there is left out with a line.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodePng, loadTurboJpeg } from '../pipeline/dist/images/index.js'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: 'photos,large,crops,copy' } } })
const rounds = Number(values.rounds)
const here = fileURLToPath(new URL('.', import.meta.url))
const data = process.env.MILLRACE_TEST_DATA ?? resolve(here, '../../shared/data')
const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import cv2']).status === 0)
const codecs = loadTurboJpeg() ? ['turbojpeg', 'sharp'] : ['sharp']
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores; medians of ${rounds} rounds in turns`)
if (!python) console.log('no python3 with cv2 (apt-get install python3-opencv): OpenCV is left out')
if (codecs.length === 1) console.log('no libturbojpeg: that codec is left out')
try {
  for (const name of values.only.split(',')) await { photos, large, crops, copy }[name]()
} finally {
  await rm(folder, { recursive: true })
}

/** 640x480 photos, shorter edge 256, JPEG 95. */
async function photos() {
  const files = imagesIn('coco128/images', 16)
  if (files) report(`${files.length} photos of 640x480 (coco128, 16 times), shorter edge 256, JPEG 95`, files, contenders({ resize: 256 }))
}

/** Photos over 2 megapixels, the same, also with the decoder's own scaling. */
async function large() {
  const files = imagesIn('large-photos', 6)
  if (!files) return
  const scaled = codecs.map((codec) => millrace({ resize: 256, codec, scaled: true }))
  report(`${files.length} photos over 2 megapixels (large-photos, six times), shorter edge 256, JPEG 95`, files, [...contenders({ resize: 256 }), ...scaled])
}

/** 10,000 PNG crops such as SVHN's, to 64x64, JPEG 95; four times, so that compiling to machine code is a small part. */
async function crops() {
  const crowd = join(folder, 'crops')
  mkdirSync(crowd)
  const files = []
  for (let index = 0; index < 10_000; index++) {
    const [width, height] = [24 + (index * 7) % 60, 20 + (index * 5) % 40]
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => 128 + 90 * Math.sin((at % (width * 3)) / 9 + index) * Math.cos(at / width / 30) + ((at * 2654435761) >>> 29))
    files.push(join(crowd, `${index}.png`))
    writeFileSync(files.at(-1), await encodePng({ data: pixels, width, height, channels: 3 }))
  }
  const many = Array.from({ length: 4 }, () => files).flat()
  report('10,000 PNG crops of 24-83 x 20-59 pixels, four times, to 64x64, JPEG 95', many, contenders({ size: 64 }), Math.min(rounds, 3))
}

/** Bytes as they are, beside cp of the same files. */
async function copy() {
  const files = imagesIn('coco128/images', 1)
  if (!files) return
  const source = join(folder, 'source')
  mkdirSync(source)
  const many = Array.from({ length: 8 }, (_, turn) => files.map((file, index) => [file, join(source, `${turn}-${index}.jpg`)])).flat()
  for (const [from, to] of many) cpSync(from, to)
  const own = { name: 'millrace, bytes as they are', tool: 'millrace', original: true, threads: 1 }
  const cp = { name: 'cp -r, then sync', tool: 'cp', source, target: join(folder, 'copied') }
  report(`${many.length} photos, ${Math.round(many.reduce((sum, [, to]) => sum + statSync(to).size, 0) / 1e6)} MB, bytes as they are`, many.map(([, to]) => to), [cp, own])
}

function contenders(settings) {
  const threads = availableParallelism() > 1 ? [1, 2] : [1]
  return [
    ...(python ? [{ name: 'OpenCV (im2rec.py\'s steps)', tool: 'opencv', ...settings }] : []),
    ...codecs.flatMap((codec) => threads.map((count) => millrace({ ...settings, codec, threads: count }))),
    { name: 'plain sharp', tool: 'sharp', ...settings },
  ]
}

function millrace({ threads = 1, codec, scaled = false, ...settings }) {
  return { name: `millrace, ${codec}${scaled ? ', scaled decode' : ''}, ${threads} thread${threads > 1 ? 's' : ''}`, tool: 'millrace', threads, codec, scaled, ...settings }
}

/** Every file so many times; undefined, and a line, where the folder is absent. */
function imagesIn(name, times) {
  const path = join(data, name)
  if (!existsSync(path)) return void console.log(`\nno ${path}: left out`)
  const files = readdirSync(path).filter((each) => /\.(jpe?g|png)$/i.test(each)).map((each) => join(path, each))
  return Array.from({ length: times }, () => files).flat()
}

function report(title, files, runs, turns = rounds) {
  const list = join(folder, 'files.json')
  writeFileSync(list, JSON.stringify(files))
  const samples = runs.map(() => [])
  for (let round = 0; round < turns; round++) for (const [index, run] of runs.entries()) samples[index].push(measure({ ...run, list, out: join(folder, 'out.rec') }))
  const medians = samples.map((each) => ({ cpu: median(each.map(({ cpuMs }) => cpuMs)), wall: median(each.map(({ wallMs }) => wallMs)), start: median(each.map(({ startMs }) => startMs)), memory: Math.max(...each.map(({ memoryMB }) => memoryMB)) }))
  console.log(`\n${title}\n  ${'images a second by'.padEnd(36)} CPU time         wall time       start-up  peak memory`)
  for (const [index, { name }] of runs.entries()) {
    const { cpu, wall, start, memory } = medians[index]
    const rate = (ms, base) => `${((files.length * 1000) / ms).toFixed(0).padStart(7)} ${(base / ms).toFixed(2).padStart(5)}x`
    console.log(`  ${name.padEnd(34)} ${rate(cpu, medians[0].cpu)}  ${rate(wall, medians[0].wall)} ${start.toFixed(0).padStart(8)} ms ${memory.toFixed(0).padStart(10)} MB`)
  }
}

function measure(run) {
  const [program, args] = run.tool === 'opencv' ? [python, [join(here, 'pack_opencv.py')]] : [process.execPath, [join(here, 'pack-run.mjs')]]
  const { status, stdout, stderr } = spawnSync(program, [...args, JSON.stringify(run)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${run.name}: ${stderr}`)
  return JSON.parse(stdout)
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
