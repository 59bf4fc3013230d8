// Damage to a record file or its siblings: every cut and every flipped bit gives a right answer or a
// RecordError, nothing else.

import t from 'tap'
import { readRecords, type RecordFile } from '@millrace/recordio'
import { readFileSync, writeFileSync } from 'node:fs'
import { magic, metaHeader, plain, recordError, small, using, written } from './support.js'

// Different ids: with equal ones, a damaged key of the last would make an .idx, which has no checksums,
// find the one before. A .meta has them.
const victims = [small(9n), { id: 4n, label: 2, labels: Float32Array.of(1), image: Buffer.concat([Buffer.from('ab01'), magic, Buffer.from('c')]) }, small(90n)]
const bigintText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
const truth = victims.map((record) => JSON.stringify(plain(record), bigintText))

/** Opens and reads everything in every way; throws if an answer is wrong. */
async function readAll(path: string): Promise<void> {
  await using(path, async (file) => {
    if (file.count !== victims.length) throw new Error(`${file.count} records`)
    if (file.meta) checkEqual(JSON.stringify(file.meta.header), JSON.stringify(metaHeader))
    for (const ordinal of truth.keys()) await check(file.read(ordinal), truth[ordinal]!)
    await check(file.readById(90n), truth[2]!)
    await check(file.readById(4n), truth[1]!)
  })
}

/** An error of this package is a good answer for one read; the others must still be right. */
async function check(read: ReturnType<RecordFile['read']>, expected: string): Promise<void> {
  const error = await recordError(async () => checkEqual(JSON.stringify(plain(await read), bigintText), expected))
  errors += error ? 1 : 0
}

function checkEqual(found: string, expected: string): void {
  if (found !== expected) throw new Error(`a wrong answer: ${found}`)
}

let errors = 0

for (const [way, extension] of [['meta', 'rec'], ['meta', 'meta'], ['idx', 'rec'], ['idx', 'idx'], ['scan', 'rec']] as const) {
  t.test(`opened by ${way}, the .${extension} cut at every byte`, async (t) => {
    const paths = await written(t, victims)
    const damaged = paths[way].replace(/rec$/, extension)
    const whole = readFileSync(damaged)
    await readAll(paths[way])
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(damaged, whole.subarray(0, length))
      const error = await recordError(() => readAll(paths[way])).catch((wrong: Error) => wrong)
      const isPrefix = way === 'scan' && /^[0-2] records$/.test(error?.message ?? '') // cut between records: nothing can tell
      const isWhole = extension === 'idx' && length === whole.length - 1 // only the last line feed is missing
      t.ok(isWhole ? error === undefined : isPrefix || error?.name === 'RecordError', `${length} bytes: ${error?.message}`)
    }
  })
}

for (const [way, extension] of [['meta', 'rec'], ['meta', 'meta'], ['idx', 'idx']] as const) {
  t.test(`opened by ${way}, every bit of the .${extension} flipped: found, or without effect`, async (t) => {
    const paths = await written(t, victims)
    const damaged = paths[way].replace(/rec$/, extension)
    const whole = readFileSync(damaged)
    let found = 0
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const flipped = Buffer.from(whole)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(damaged, flipped)
      errors = 0
      const error = await recordError(() => readAll(paths[way]))
      if (error || errors > 0) found++
    }
    // Without effect are in an .idx: a digit that becomes a blank before the number, LF that is not needed.
    t.ok(extension === 'idx' ? found > 0.9 * 8 * whole.length : found === 8 * whole.length, `${found} of ${8 * whole.length} bits`)
  })
}

t.test('without a .meta, every bit of the .rec flipped: records or a RecordError', async (t) => {
  const { scan, idx } = await written(t, victims)
  const whole = readFileSync(scan)
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const flipped = Buffer.from(whole)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    for (const path of [scan, idx]) {
      writeFileSync(path, flipped)
      await recordError(() => using(path, async (file) => {
        for (let ordinal = 0; ordinal < file.count; ordinal++) await file.read(ordinal)
        await file.readById(4n)
      }))
    }
    await recordError(async () => {
      for await (const _ of readRecords(scan)) continue
    })
  }
  t.pass()
})
