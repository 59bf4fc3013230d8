// One run of bench/pack.mjs: does the work that the JSON argument names, prints what it cost.

import { spawnSync } from 'node:child_process'
import { createWriteStream, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import sharp from 'sharp'
import { packDataset, sourceFormats } from '../pipeline/dist/index.js'
import { encodeRecord } from '../recordio/dist/index.js'

const run = JSON.parse(process.argv[2])
const files = JSON.parse(readFileSync(run.list, 'utf8'))
const work = { millrace, sharp: plainSharp, cp: copy }[run.tool]

if (run.tool !== 'cp') await work(files.slice(0, 16)) // loads and compiles what is loaded late
const [beganAt, cpuBefore] = [performance.now(), process.cpuUsage()]
const childCpuMs = (await work(files)) ?? 0
const { user, system } = process.cpuUsage(cpuBefore)
console.log(JSON.stringify({ wallMs: performance.now() - beganAt, cpuMs: (user + system) / 1000 + childCpuMs, startMs: (cpuBefore.user + cpuBefore.system) / 1000, memoryMB: process.resourceUsage().maxRSS / 1024 }))

/** From a list, as "millrace pack --format list" does. */
async function millrace(chosen) {
  const list = `${run.out}.lst`
  writeFileSync(list, chosen.map((file, index) => `${index}\t0\t${file.slice(1)}\n`).join(''))
  const source = await sourceFormats.list.open(list, { images: '/' })
  const resize = run.size ? { kind: 'exact', width: run.size, height: run.size } : { kind: 'shorter-edge', pixels: run.resize }
  const plan = run.original ? { encode: { kind: 'original' } } : { resize, method: 'bilinear', codec: run.codec, scaledDecode: run.scaled }
  await packDataset({ source, plan, output: run.out, labelKind: 'class', threads: run.threads })
}

/** As most people use it: one image after another, sharp's own filter, profiles converted, EXIF turned. */
async function plainSharp(chosen) {
  sharp.concurrency(1)
  const stream = createWriteStream(run.out)
  for (const [index, file] of chosen.entries()) {
    const size = run.size ? { width: run.size, height: run.size, fit: 'fill' } : { width: run.resize, height: run.resize, fit: 'outside' }
    const image = await sharp(file).autoOrient().resize(size).jpeg({ quality: 95 }).toBuffer()
    if (!stream.write(encodeRecord({ id: BigInt(index), image }))) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'close')
}

/** Its CPU time is the shell's to tell. */
async function copy() {
  rmSync(run.target, { recursive: true, force: true })
  const { stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time (cp -r "$0" "$1" && sync "$1"/*)', run.source, run.target], { encoding: 'utf8' })
  const [user, system] = stderr.trim().split(/\s+/).map(Number)
  return (user + system) * 1000
}
