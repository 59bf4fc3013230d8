// Packs a data set past 4 GiB, kills the packer past 4 GiB and resumes it, compares the two, and reads the
// file in every way. Takes 10 GB in the temporary folder.
//
//   npm run soak:large [-- --gigabytes 4.6]

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { encodePng } from '../pipeline/dist/images/index.js'
import { packDataset } from '../pipeline/dist/index.js'
import { openRecords, rebuildIndex, verifyRecords } from '../recordio/dist/index.js'

const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '4.6' }, output: { type: 'string' } } })
const imageBytes = 2_000_000
const count = Math.ceil((Number(values.gigabytes) * 1e9) / imageBytes)
const killAtBytes = 2 ** 32 + 100_000_000
const idOf = (index) => 2n ** 64n - 1n - BigInt(index) * 3n

if (values.output !== undefined) await pack(values.output)
else await soak()

/** PNG files with noise behind their end, as large as photos: nothing is decoded. */
async function pack(output) {
  const png = await encodePng({ data: new Uint8Array(30 * 20 * 3), width: 30, height: 20, channels: 3 })
  async function* source() {
    for (let index = 0; index < count; index++) {
      yield { id: idOf(index), key: `${index}.png`, label: { kind: 'class', value: index % 7 }, image: async () => imageOf(png, index) }
    }
  }
  await packDataset({ source: source(), plan: { encode: { kind: 'original' } }, output, labelKind: 'class', threads: 1, resume: true })
  console.log(Math.round((process.resourceUsage().maxRSS * 1024) / 1e6))
}

function imageOf(png, index) {
  const image = Buffer.alloc(imageBytes - (index % 1000), index)
  image.set(png)
  return image
}

async function soak() {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-large-'))
  try {
    const [whole, killed] = ['whole', 'killed'].map((name) => join(folder, name, 'x.rec'))
    for (const name of ['whole', 'killed']) await mkdir(join(folder, name))
    const began = performance.now()
    const memoryMB = await run(whole)
    console.log(`${count} images, ${(statSync(whole).size / 1e9).toFixed(2)} GB packed in ${((performance.now() - began) / 1000).toFixed(0)} s, at most ${memoryMB} MB of memory`)
    if (await run(killed, killAtBytes)) throw new Error('expected it to be killed')
    await run(killed)
    const [expected, found] = [await digests(join(folder, 'whole')), await digests(join(folder, 'killed'))]
    if (expected !== found) throw new Error(`killed past 4 GiB and resumed: expected ${expected}, found ${found}`)
    console.log('killed past 4 GiB and resumed: the same bytes')
    await rm(join(folder, 'killed'), { recursive: true })
    await read(whole, '.meta')
    const { isSound, count: intact } = await verifyRecords(whole)
    if (!isSound || intact !== count) throw new Error(`verify: ${intact} intact records`)
    await rm(whole.replace(/rec$/, 'meta'))
    await read(whole, '.idx')
    await rm(whole.replace(/rec$/, 'idx'))
    await rebuildIndex(whole)
    await read(whole, 'a rebuilt .meta')
    console.log('verified, indexed anew, read by place and by id')
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Resolves with its memory in MB, or undefined if it was killed, once it had written so much. */
function run(output, killAt = Infinity) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--output', output], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [text, errors] = ['', '']
    child.stdout.on('data', (chunk) => (text += chunk))
    child.stderr.on('data', (chunk) => (errors += chunk))
    const timer = setInterval(async () => {
      for (const name of await readdir(join(output, '..'))) {
        if (/^\.x\.rec\.partial/.test(name) && (statSync(join(output, '..', name), { throwIfNoEntry: false })?.size ?? 0) > killAt) child.kill('SIGKILL')
      }
    }, 20)
    child.on('close', (exitCode, signal) => {
      clearInterval(timer)
      if (signal === 'SIGKILL') resolve(undefined)
      else if (exitCode === 0) resolve(Number(text))
      else reject(new Error(errors))
    })
  })
}

async function read(path, how) {
  const file = await openRecords(path)
  const last = await file.read(count - 1)
  const byId = await file.readById(idOf(count - 2))
  await file.close()
  if (last.id !== idOf(count - 1) || last.image.at(-1) !== ((count - 1) & 255) || byId.image.at(-1) !== ((count - 2) & 255)) throw new Error(`${how}: another record than expected`)
}

async function digests(folder) {
  const all = []
  for (const name of (await readdir(folder)).sort()) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 2 ** 20 })) hash.update(chunk)
    all.push(`${name} ${hash.digest('hex')}`)
  }
  return all.join(', ')
}
