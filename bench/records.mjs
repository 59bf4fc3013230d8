// How fast are records read and their index opened? Reading beside a plain read loop over the same warm
// file, in turns; then the opening of indexes of many records that are never read.
//
//   npm run bench:records [-- --records 10000000]

import { open, rm, mkdtemp, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openRecords, readRecords, RecordWriter } from '../recordio/dist/index.js'
import { formatIndexLine } from '../recordio/dist/index-file.js'
import { MetaWriter } from '../recordio/dist/meta-writer.js'
import { PartialFile, randomToken } from '../recordio/dist/partial-file.js'
import { publishRecords } from '../recordio/dist/partial-records.js'

const { values } = parseArgs({ options: { records: { type: 'string', default: '10000000' }, rounds: { type: 'string', default: '9' } } })
const rounds = Number(values.rounds)
const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
console.log(`Node ${process.version}; medians of ${rounds} rounds in turns`)
try {
  await measureReading('photos', 166_000, 1_024)
  await measureReading('crops', 2_500, 40_000)
  for (const order of ['ascending', 'shuffled']) await measureOpening(Number(values.records), order)
} finally {
  await rm(folder, { recursive: true })
}

async function measureReading(title, imageBytes, count) {
  const path = join(folder, `${title}.rec`)
  const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1 })
  const image = Buffer.alloc(imageBytes, 5)
  for (let id = 0n; id < count; id++) await writer.write({ id, image: image.subarray(0, imageBytes - Number(id % 1000n)) })
  await writer.close()
  const ways = {
    'raw read loop': () => rawLoop(path),
    'readRecords': () => readAll(path, {}),
    'readRecords, verify': () => readAll(path, { verify: true }),
    'readRecords, borrow': () => readAll(path, { borrow: true }),
    'readRecords, borrow, verify': () => readAll(path, { borrow: true, verify: true }),
  }
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [way, read] of Object.entries(ways)) {
      const [began, cpuBegan] = [performance.now(), process.cpuUsage()]
      await read()
      const { user, system } = process.cpuUsage(cpuBegan)
      if (round >= 0) times[way].push({ wall: performance.now() - began, cpu: (user + system) / 1000 })
    }
  }
  const bytes = imageBytes * count
  console.log(`\n${title}: ${count} records of about ${imageBytes} bytes`)
  const raw = { wall: median(times['raw read loop'], 'wall'), cpu: median(times['raw read loop'], 'cpu') }
  for (const [way, samples] of Object.entries(times)) {
    const [wall, cpu] = [median(samples, 'wall'), median(samples, 'cpu')]
    console.log(`  ${way.padEnd(28)} ${(bytes / wall / 1e6).toFixed(2).padStart(6)} GB/s  ${(raw.wall / wall).toFixed(2)}x   CPU ${cpu.toFixed(0).padStart(5)} ms  ${(raw.cpu / cpu).toFixed(2)}x`)
  }
}

/** The same reads without anything else. */
async function rawLoop(path) {
  const handle = await open(path)
  const buffer = Buffer.allocUnsafeSlow(4 * 2 ** 20)
  while ((await handle.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  await handle.close()
}

async function readAll(path, options) {
  let sum = 0
  for await (const { image } of readRecords(path, options)) sum += image.length
  return sum
}

/** A .rec of holes with a whole .meta and .idx: opening and searching read nothing of the .rec. */
async function measureOpening(count, order) {
  const path = join(folder, 'index.rec')
  const token = randomToken()
  const [records, index] = [await PartialFile.create(path, token), await PartialFile.create(path.replace(/rec$/, 'idx'), token)]
  const meta = await MetaWriter.create(path.replace(/rec$/, 'meta'), { labelKind: 'class', labelWidth: 1 }, token)
  const frames = Buffer.alloc(40)
  const idOf = (ordinal) => (order === 'ascending' ? BigInt(ordinal) : BigInt((ordinal * 7919) % count))
  for (let ordinal = 0; ordinal < count; ordinal++) {
    meta.add({ id: idOf(ordinal), offsetBytes: ordinal * 40, frames })
    if (ordinal % 4096 === 0) await meta.file.drain()
  }
  let lines = ''
  for (let ordinal = 0; ordinal < count; ordinal++) {
    lines += formatIndexLine(idOf(ordinal), ordinal * 40)
    if (lines.length < 2 ** 16 && ordinal < count - 1) continue
    index.append(Buffer.from(lines, 'latin1'))
    lines = ''
    await index.drain()
  }
  const began = performance.now()
  await meta.finish({ count, rejected: 0, imageBytes: 0 }, count * 40)
  const finishMs = performance.now() - began
  await records.finish()
  await index.finish()
  await publishRecords(path, token)
  await truncate(path, count * 40)
  console.log(`\n${count.toLocaleString('en')} records, ids ${order}; writing the order took ${finishMs.toFixed(0)} ms`)
  await measureOpen('.meta', path)
  await rm(path.replace(/rec$/, 'meta'))
  // The last record is looked at, and must be one.
  const handle = await open(path, 'r+')
  await handle.write(Buffer.from('0a23d7ce20000000', 'hex'), 0, 8, (count - 1) * 40)
  await handle.close()
  await measureOpen('.idx', path)
}

async function measureOpen(sibling, path) {
  const memory = process.memoryUsage().arrayBuffers
  const times = []
  for (let round = 0; round < 3; round++) {
    const began = performance.now()
    const file = await openRecords(path)
    times.push(performance.now() - began)
    const searchBegan = performance.now()
    for (let search = 0; search < 1000; search++) await file.readById(BigInt((search * 104729) % file.count)).catch(() => {}) // found, then refused: it is a hole
    if (round === 2) console.log(`  ${sibling.padEnd(6)} open ${times.sort((a, b) => a - b)[1].toFixed(1)} ms, a search by id ${(performance.now() - searchBegan).toFixed(0)} µs, ${((process.memoryUsage().arrayBuffers - memory) / 2 ** 20).toFixed(0)} MiB of memory`)
    await file.close()
  }
}

function median(samples, key) {
  return samples.map((sample) => sample[key]).sort((a, b) => a - b)[Math.floor(samples.length / 2)]
}
