// How fast are large annotation files read, and in how much memory? Files of the size of the published ones
// are written first (no images); each reading runs in a process of its own, and peers in turns with ours.
//
//   npm run bench:sources [-- --rounds 3 --only digit-struct,imagenet,coco]
//
// The peer needs Debian's python3-h5py; where it is not there, it is left out with a line.

import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { writeCocoFile } from './coco-file.mjs'
import { writeDigitStructFile } from './digit-struct-file.mjs'
import { writeImageNetLists } from './imagenet-lists.mjs'

const questions = { 'digit-struct': digitStruct, imagenet, coco }

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, only: { type: 'string', default: Object.keys(questions).join(',') } } })
const rounds = Number(values.rounds)
const here = fileURLToPath(new URL('.', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores; medians of ${rounds} rounds in turns`)
try {
  for (const name of values.only.split(',')) await questions[name]()
} finally {
  await rm(folder, { recursive: true })
}

/** SVHN's training set: at most 5 s and 300 MB, five times as fast as h5py. */
async function digitStruct() {
  const path = join(folder, 'digitStruct.mat')
  const { entries, boxes } = await writeDigitStructFile(path)
  const python = ['/usr/bin/python3', 'python3'].find((each) => spawnSync(each, ['-c', 'import h5py']).status === 0)
  if (!python) console.log('no python3 with h5py (apt-get install python3-h5py): it is left out')
  await compare(`digitStruct.mat, ${entries.toLocaleString('en')} entries, ${boxes.toLocaleString('en')} boxes, ${await megabytes(path)} MB`, {
    millrace: ours('digit-struct', path),
    ...(python && { h5py: [python, join(here, 'digit_struct_h5py.py'), path] }),
  })
}

/** At most 5 s for both lists. */
async function imagenet() {
  const path = join(folder, 'imagenet')
  await writeImageNetLists(path)
  await compare('ImageNet, the lists of 1,281,167 and 50,000 images with their labels', { millrace: ours('imagenet', path) })
  await compare('ImageNet, the training list without 50 images of each class for test', { millrace: ours('imagenet-split', path) })
}

/** The instances of 2017, at most 150 MB: as opened, when all boxes are held; then with every image's label made. */
async function coco() {
  const path = join(folder, 'instances_train2017.json')
  await writeCocoFile(path)
  const python = spawnSync('python3', ['--version']).status === 0
  await compare(`COCO instances, 118,287 images, 860,001 boxes, ${await megabytes(path)} MB`, {
    millrace: ours('coco', path),
    'each label': ours('coco-labels', path),
    ...(python && { 'json.load': ['python3', join(here, 'coco_json.py'), path] }),
  })
}

function ours(name, path) {
  return [process.execPath, join(here, 'sources-run.mjs'), name, path]
}

async function compare(title, commands) {
  const results = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, [program, ...args]] of Object.entries(commands)) {
      const { stdout } = await promisify(execFile)(program, args)
      results[name].push(JSON.parse(stdout))
    }
  }
  console.log(`\n${title}`)
  const first = Object.values(results)[0]
  for (const [name, all] of Object.entries(results)) {
    const [wall, cpu, peak] = ['wallMs', 'cpuMs', 'peakBytes'].map((key) => median(all, key))
    const ratio = all === first ? '' : `  ${(cpu / median(first, 'cpuMs')).toFixed(1)} times ours`
    console.log(`  ${name.padEnd(10)} ${(wall / 1000).toFixed(2).padStart(7)} s, CPU ${(cpu / 1000).toFixed(2).padStart(6)} s${ratio}, peak ${(peak / 1e6).toFixed(0)} MB, found ${JSON.stringify(all[0].found)}`)
  }
}

function median(results, key) {
  return results.map((result) => result[key]).sort((a, b) => a - b)[Math.floor(results.length / 2)]
}

async function megabytes(path) {
  return ((await stat(path)).size / 1e6).toFixed(0)
}
