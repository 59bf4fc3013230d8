// Kills `millrace pack` at random moments and resumes it, until it ends, and compares the files with those of
// a run that nobody disturbed. Every kind of output in turn.
//
//   npm run soak:pack [-- --kills 50 --seed 1]

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodePng } from '../pipeline/dist/images/index.js'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' }, images: { type: 'string', default: '3000' } } })
const program = fileURLToPath(new URL('../tools/bin/millrace.js', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
const outputs = [['--threads', '1'], ['--threads', '2', '--shards', '5'], ['--threads', '2', '--shard-bytes', '700K'], ['--threads', '1', '--encoding', 'original'], ['--threads', '2', '--on-error', 'placeholder']]
/** Then it may end. */
const killsInTurn = 8
let random = Number(values.seed)

try {
  await drawImages(join(folder, 'images'), Number(values.images))
  let kills = 0
  for (let round = 0; kills < Number(values.kills); round++) kills += await soak(outputs[round % outputs.length], round)
  console.log(`${kills} kills, every resumed pack equal to an undisturbed one`)
} finally {
  await rm(folder, { recursive: true })
}

/** One data set packed twice: at one go, and through kills. */
async function soak(options, round) {
  const [whole, killed] = ['whole', 'killed'].map((name) => join(folder, `${name}-${round}`))
  const began = performance.now()
  await pack(whole, options)
  const lastsMs = performance.now() - began
  let kills = 0
  const killAfterMs = () => (kills < killsInTurn ? (0.2 + 0.8 * nextRandom()) * lastsMs : undefined)
  while (!(await pack(killed, [...options, '--resume'], killAfterMs()))) kills++
  const [expected, found] = [digests(whole), digests(killed)]
  if (JSON.stringify(expected) !== JSON.stringify(found)) throw new Error(`${options.join(' ')}: after ${kills} kills expected ${JSON.stringify(expected, null, 1)}, found ${JSON.stringify(found, null, 1)}`)
  console.log(`${options.join(' ')}: ${kills} kills, ${Object.keys(found).length} files equal`)
  for (const each of [whole, killed]) await rm(each, { recursive: true })
  return kills
}

/** Resolves with whether it ended by itself. */
function pack(output, options, killAfterMs) {
  mkdirSync(output, { recursive: true })
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, 'pack', join(folder, 'images'), join(output, 'x.rec'), '--format', 'folder', '--quiet', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve(false)
      else if (exitCode === 0 || exitCode === 3) resolve(true)
      else reject(new Error(`exit code ${exitCode}: ${errors}`))
    })
  })
}

function digests(path) {
  return Object.fromEntries(readdirSync(path).sort().map((name) => [name, createHash('sha256').update(readFileSync(join(path, name))).digest('hex')]))
}

/** Small PNG files in three classes; one in a hundred is damaged. */
async function drawImages(path, count) {
  for (let index = 0; index < count; index++) {
    const [width, height] = [20 + (index % 31), 20 + (index % 17)]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 13 + index * 7 + (at >> 6) * index) & 255)
    const png = await encodePng({ data, width, height, channels: 3 })
    mkdirSync(join(path, `class-${index % 3}`), { recursive: true })
    writeFileSync(join(path, `class-${index % 3}`, `${index}.png`), index % 100 === 37 ? png.subarray(0, 40) : png)
  }
}

/** Mulberry32: the same moments for the same seed, as far as the machine is as quick. */
function nextRandom() {
  random = (random + 0x6d2b79f5) | 0
  let bits = Math.imul(random ^ (random >>> 15), 1 | random)
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}
